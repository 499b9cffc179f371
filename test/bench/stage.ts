// The real servers that the benchmark runs on, and the processes that it compares.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, startChild, untilReady } from '../../local/child.ts';
import { cacheFolder } from '../../local/path.ts';
import { freePort } from '../../local/ports.ts';
import { startPostgres } from '../../local/postgres.ts';
import { accepts, findRedisServer, startRedis } from '../../local/redis.ts';
import type { SettingsEnvironment } from '../../service/settings.ts';
import { databaseUrl, prepareDatabase, users } from '../support/databases.ts';
import { running, startS3, stopAll } from '../support/global-setup.ts';
import { createBucket } from '../support/s3.ts';
import { runCommand } from '../support/service.ts';
import { type SharedServers, shareServers } from '../support/shared-servers.ts';
import { serverCore } from './cpu.ts';

const root = join(import.meta.dirname, '..', '..');
const database = 'slipway_bench';

export interface Server {
  name: string;
  port: number;
  pid: number;
  stop(): Promise<void>;
}

type Environment = Record<string, string>;

export interface Stage {
  rounds: number;
  interrupted: AbortSignal;
  progress(what: string): void;
  dir: string;
  /** The bundle's main.js, with a compile cache beside it as in the image. */
  main: string;
  postgresUrl: string;
  redisUrl: string;
  s3: (NonNullable<SharedServers['s3']> & { bucket: string }) | undefined;
  adminKey: string;
  /** Environment of a replica, everything on. Limits are counted, and too high to be reached. */
  service: Environment;
  /** Called when the benchmark ends, however it ends. */
  atEnd(stop: () => void | Promise<void>): void;
  /** Starts a program on the core of the servers without waiting for it. It gets PORT. */
  launch(name: string, script: string, environment: Environment): Promise<Server & { child: Child }>;
  /** The same, and waits until it accepts connections. */
  start(name: string, script: string, environment: Environment): Promise<Server>;
  /** @param script @default main */
  startService(environment?: Environment, script?: string): Promise<Server>;
  startPeer(name: string, file: string, environment: Environment): Promise<Server>;
  end(): Promise<void>;
}

async function ready(port: number): Promise<boolean> {
  if (!(await accepts(port))) return false;
  const { status } = await fetch(`http://127.0.0.1:${port}/session`);
  return status === 200;
}

export async function openStage(options: Pick<Stage, 'rounds' | 'interrupted' | 'progress'>): Promise<Stage> {
  const dir = mkdtempSync(join(tmpdir(), 'slipway-bench-'));
  chmodSync(dir, 0o755);
  try {
    return await open(dir, options);
  } catch (error) {
    await stopAll(dir);
    throw error;
  }
}

async function open(dir: string, options: Pick<Stage, 'rounds' | 'interrupted' | 'progress'>): Promise<Stage> {
  const { progress } = options;
  progress('building the bundle');
  const dist = join(dir, 'dist');
  for (const script of ['build.mjs', 'warm-cache.mjs'])
    execFileSync(process.execPath, [join(root, 'service', script), dist], {
      env: { ...process.env, NODE_ENV: 'production' },
    });
  progress('starting PostgreSQL, Redis and the object store');
  const postgres = await startPostgres({ dir: join(dir, 'postgres') });
  running.push(postgres);
  const server = await findRedisServer({ cacheDir: cacheFolder(), log: progress });
  const redis = await startRedis({ dir: join(dir, 'redis'), server });
  running.push(redis);
  const { s3 } = await startS3(dir);
  const main = join(dist, 'main.js');
  shareServers({
    dir,
    program: { main },
    postgres: { url: postgres.url },
    redis: { url: redis.url },
    ...(s3 ? { s3 } : {}),
  });
  await prepareDatabase(postgres.url, database);
  const access = {
    DATABASE_URL: databaseUrl(postgres.url, database),
    DATABASE_TLS: 'disable',
    DATABASE_CREDENTIALS: JSON.stringify(users.appA),
  };
  const superuser = new URL(postgres.url);
  superuser.pathname = `/${database}`;
  const store = s3 && { ...s3, bucket: await createBucket(s3) };
  const service = {
    ...access,
    REDIS_URL: redis.url,
    METRICS_PORT: '0',
    HOST: '127.0.0.1',
    INSTANCE: 'bench',
    RATE_LIMIT_ADDRESS_PER_MINUTE: '10000000',
    RATE_LIMIT_KEY_PER_MINUTE: '10000000',
    ...(store
      ? {
          S3_BUCKET: store.bucket,
          S3_ENDPOINT: store.endpoint,
          AWS_ACCESS_KEY_ID: store.accessKey,
          AWS_SECRET_ACCESS_KEY: store.secretKey,
        }
      : { OBJECTS_DIR: join(dir, 'objects') }),
  } satisfies SettingsEnvironment & Environment;

  const launch: Stage['launch'] = async (name, script, environment) => {
    const port = await freePort();
    const child = await startChild({
      name,
      command: 'taskset',
      args: ['-c', `${serverCore}`, process.execPath, script],
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'production',
        NODE_COMPILE_CACHE: join(dist, '.compile-cache'),
        ...environment,
        PORT: `${port}`,
      },
      stopMs: 3000,
    });
    running.push(child);
    return { name, port, pid: child.pid, child, stop: () => child.stop() };
  };
  const startWhen = async (server: Promise<Server & { child: Child }>, check: (port: number) => Promise<boolean>) => {
    const { child, ...started } = await server;
    await untilReady(child, started.name, 20_000, () => check(started.port));
    return started;
  };
  const start: Stage['start'] = (name, script, environment) => startWhen(launch(name, script, environment), accepts);

  return {
    ...options,
    dir,
    main,
    postgresUrl: superuser.href,
    redisUrl: redis.url,
    s3: store,
    adminKey: await runCommand(['admin-key'], access),
    service,
    atEnd: (stop) => void running.push({ stop: async () => stop() }),
    launch,
    start,
    startService: (more = {}, script = main) =>
      startWhen(launch('the service', script, { ...service, ...more }), ready),
    startPeer: (name, file, environment) => start(name, join(import.meta.dirname, 'peers', file), environment),
    end: () => stopAll(dir),
  };
}
