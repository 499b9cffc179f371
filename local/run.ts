// `make run`: the whole service on this machine, on real servers, until Ctrl-C.
import { relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Balancer, startBalancer } from './balancer/balancer.ts';
import { OptionsError, type RunOptions, readOptions } from './options.ts';
import { portIsFree } from './ports.ts';
import { bundle, type Replicas, runCommand, startReplicas } from './service.ts';
import { AlreadyRunningError, ForeignFolderError, holder, openState, type State } from './state.ts';
import { openStores, type Started, type Stores } from './stores.ts';

const longestRequestSeconds = 35;
const readyMs = 60_000;
const dependencyMs = 4000;
const keyFile = 'admin.key';

/** Settings that are known only once the servers run. */
const standIns = { DATABASE_URL: 'postgres://127.0.0.1/none', REDIS_URL: 'redis://127.0.0.1', OBJECTS_DIR: 'none' };

/** A failure that is explained in full by its message. */
class RunError extends Error {
  override readonly name = 'RunError';
}

const say = (line: string) => console.log(line);

async function main(): Promise<void> {
  const options = readOptions(process.env);
  const running = holder(options.stateDir);
  if (running !== undefined) throw new AlreadyRunningError(running);
  await insistOnPort(options.port);
  const state = await openState(options.stateDir, say).catch((error: NodeJS.ErrnoException) => {
    if (error.code === undefined) throw error;
    throw new RunError(
      `The state folder ${options.stateDir} cannot be used (${error.code}); choose another: SLIPWAY_STATE=…`,
    );
  });
  const started: Started[] = [];
  let stopping: Promise<void> | undefined;
  let hurry = () => {};
  let balancer: Balancer | undefined;
  let replicas: Replicas | undefined;

  const stopAll = async () => {
    const hurried = new Promise<'hurried'>((resolve) => {
      hurry = () => resolve('hurried');
    });
    const drain = async () => {
      // What is just being started must be known before it can be stopped.
      await starting.catch(() => {});
      // First the way in, so that requests in flight are the last ones; then the replicas; then what they need.
      await balancer?.close(longestRequestSeconds * 1000);
      await replicas?.stop(longestRequestSeconds * 1000);
    };
    if ((await Promise.race([drain(), hurried])) === 'hurried') {
      await Promise.all([balancer?.close(0), replicas?.stop(0)]);
    }
    for (const { stop } of started.reverse()) await stop();
    state.release();
  };
  const stop = (exitCode: number) => {
    if (stopping) {
      hurry();
      return;
    }
    process.exitCode = exitCode;
    say('\nStopping: requests in flight may end; again Ctrl-C is quick …');
    stopping = stopAll().then(() => {
      say('Stopped. The data is kept; make reset forgets it.');
      // A start that was interrupted may still hold timers.
      process.exit();
    });
  };
  const startAll = async () => {
    say('Bundling the service …');
    const program = await bundle(state.path('dist'));
    if (stopping) return;
    // The service says what is wrong with what it is handed on, before there is anything for it to use.
    await runCommand(program, ['--check-settings'], { ...standIns, ...options.database, ...options.observability });
    say('Starting PostgreSQL and Redis …');
    const stores = await openStores(program, options, state, started, say);
    if (stopping) return;
    for (const { name, exited } of started) {
      void exited.then((how) => {
        if (stopping) return;
        say(`${name} ended (${how}), so everything stops; its log is in ${state.path('logs')}`);
        stop(1);
      });
    }
    const settings = { ...stores.settings, ...options.observability };
    await runCommand(program, ['--check-settings'], settings);
    // Before the first answer: whoever waits for /health finds the key.
    if (!state.find(keyFile)) state.replace(keyFile, await stores.adminKey());
    if (stopping) return;
    say(`Starting ${options.replicas} ${options.replicas === 1 ? 'replica' : 'replicas'} …`);
    const front = await startBalancer({
      port: options.port,
      health: { intervalMs: 500, unhealthyThreshold: 2, healthyThreshold: 1 },
      deregistrationDelayMs: longestRequestSeconds * 1000,
    });
    balancer = front;
    replicas = await startReplicas(
      program,
      options.replicas,
      {
        ...settings,
        LONGEST_REQUEST_SECONDS: `${longestRequestSeconds}`,
        // Longer than the balancer takes to notice that a replica is leaving, so that one can be stopped by itself.
        DRAIN_SETTLE_SECONDS: '2',
        TRUSTED_PROXY_HOPS: '1',
      },
      state,
      (ports) => front.setTargets(ports.map((port) => ({ host: '127.0.0.1', port }))),
      (line) => stopping || say(line),
    );
    await untilHealthy(front, options, state, () => stopping !== undefined);
    if (stopping) return;
    await insistOnDependencies(front.url, options);
    await replaceUnknownKey(front, stores, state);
    if (!stopping) say(screen(options, state));
  };
  const starting = startAll();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop(0));
  await starting.catch((error: Error) => {
    if (stopping) return;
    console.error(`\n${error.message}`);
    stop(1);
  });
}

async function insistOnPort(port: number): Promise<void> {
  // Somebody who listens on another address of localhost would get what is meant for us.
  for (const host of ['0.0.0.0', '127.0.0.1', '::1']) {
    const free = await portIsFree(port, host).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EACCES')
        throw new RunError(`Port ${port} needs privileges; choose another: PORT=8080 make run`);
      if (error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT') return true;
      throw error;
    });
    if (!free) {
      const other = port === 65535 ? 3000 : port + 1;
      throw new RunError(`Port ${port} is taken; choose another: PORT=${other} make run`);
    }
  }
}

/** A person's own server that does not answer would show only in the first request. */
async function insistOnDependencies(url: string, options: RunOptions): Promise<void> {
  const from = {
    redis: options.redisUrl && 'REDIS_URL',
    postgres: options.databaseUrl && 'DATABASE_URL',
    objects: options.s3 && 'S3_ENDPOINT, S3_BUCKET and the AWS credentials',
  };
  type Answer = { dependencies: Record<keyof typeof from, { state: string }> };
  for (const deadline = Date.now() + dependencyMs; ; await sleep(100)) {
    const { dependencies } = (await (await fetch(`${url}/health`)).json()) as Answer;
    const down = (['postgres', 'redis', 'objects'] as const).filter((name) => dependencies[name].state !== 'up');
    if (down.length === 0) return;
    if (Date.now() < deadline) continue;
    const lines = down.map((name) => `  ${name}${from[name] ? `: check ${from[name]}` : ''}`);
    throw new RunError(`The service runs, but cannot use:\n${lines.join('\n')}`);
  }
}

async function untilHealthy(
  balancer: Balancer,
  options: RunOptions,
  state: State,
  given: () => boolean,
): Promise<void> {
  const healthy = () => balancer.targets().filter((target) => target.state === 'healthy').length;
  for (const deadline = Date.now() + readyMs; healthy() < options.replicas && !given(); await sleep(50)) {
    if (Date.now() > deadline) {
      throw new RunError(`Only ${healthy()} of ${options.replicas} replicas got ready; see ${state.path('logs')}`);
    }
  }
}

/** A key of an earlier run is kept as long as the database knows it. */
async function replaceUnknownKey(balancer: Balancer, stores: Stores, state: State): Promise<void> {
  const answer = await fetch(`${balancer.url}/keys`, { headers: { 'X-API-Key': state.find(keyFile) ?? '' } });
  await answer.body?.cancel();
  if (answer.status === 401) state.replace(keyFile, await stores.adminKey());
}

/** As a shell takes it for one word. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

function screen(options: RunOptions, state: State): string {
  const address = `http://localhost:${options.port}`;
  const shown = (name: string) => {
    const path = relative(process.cwd(), state.path(name));
    return path.startsWith('..') ? state.path(name) : path;
  };
  const key = `-H "X-API-Key: $(cat ${quoted(shown(keyFile))})"`;
  const cookies = quoted(shown('cookies'));
  return `
  slipway      ${address}
  replicas     ${options.replicas}${options.replicas > 1 ? ', taking turns' : ''}
  admin key    ${shown(keyFile)}
  logs         ${shown('logs')}

  A session that every replica knows; repeat it:
    curl -b ${cookies} -c ${cookies} ${address}/session
  A file in, and the list of files:
    curl ${key} -F file=@README.md ${address}/upload
    curl ${key} ${address}/files

  Ctrl-C stops everything and keeps the data.
`;
}

main().catch((error: Error) => {
  const known =
    error instanceof OptionsError ||
    error instanceof AlreadyRunningError ||
    error instanceof ForeignFolderError ||
    error instanceof RunError;
  console.error(known ? error.message : (error.stack ?? error.message));
  process.exitCode = 1;
});
