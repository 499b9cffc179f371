import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { cacheFolder } from '../../local/path.ts';
import { freePort } from '../../local/ports.ts';
import { isRunning, processTree } from '../../local/processes.ts';
import { startOtlpReceiver } from '../support/otlp.ts';
import { barePostgres } from '../support/own-postgres.ts';
import { createBucket, s3Client } from '../support/s3.ts';
import { sharedServers } from '../support/shared-servers.ts';
import { waitFor } from '../support/wait.ts';

const root = join(__dirname, '..', '..');
const shell = promisify(execFile);
jest.setTimeout(120_000);

interface Run {
  port: number;
  process: ChildProcess;
  output(): string;
  exited: Promise<number | null>;
}

let stateDir = '';
const runs: Run[] = [];

beforeAll(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'slipway-run-'));
});
afterEach(async () => {
  for (const run of runs.splice(0)) {
    run.process.kill('SIGINT');
    await run.exited;
  }
});
afterAll(() => rmSync(stateDir, { recursive: true }));

function start(environment: Record<string, string>): Run {
  const child = spawn(join(root, 'local', 'node'), [join(root, 'local', 'run.ts')], {
    cwd: root,
    env: { ...process.env, SLIPWAY_STATE: stateDir, SLIPWAY_CACHE: cacheFolder(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const run = { port: Number(environment.PORT), process: child, output: () => output, exited };
  runs.push(run);
  return run;
}

async function up(environment: Record<string, string> = {}): Promise<Run> {
  const run = start({ PORT: `${await freePort()}`, ...environment });
  await waitFor(
    'the screen',
    () => {
      if (run.process.exitCode !== null) throw new Error(`it ended:\n${run.output()}`);
      return run.output().includes('Ctrl-C stops everything');
    },
    60_000,
  );
  return run;
}

async function down(run: Run): Promise<void> {
  const tree = processTree(run.process.pid ?? 0);
  expect(tree.length).toBeGreaterThan(3);
  run.process.kill('SIGINT');
  expect(await run.exited).toBe(0);
  expect(tree.filter(isRunning)).toEqual([]);
}

const curlLines = (run: Run) =>
  run
    .output()
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('curl '));

/** Pastes a line into a shell in the checkout. */
async function paste(line: string): Promise<Record<string, unknown>> {
  const { stdout } = await shell('sh', ['-c', `${line} --silent --show-error --max-time 20`], { cwd: root });
  return JSON.parse(stdout) as Record<string, unknown>;
}

test('make run: the curl lines work when pasted, replicas take turns, Ctrl-C leaves no process, the next run keeps the data', async () => {
  const first = await up();
  const [session = '', upload = '', list = ''] = curlLines(first);
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  for (const line of [session, upload, list]) {
    expect(readme).toContain(line.replaceAll(`:${first.port}`, ':3000').replaceAll(`${stateDir}/`, '.local/'));
  }
  const one = await paste(session);
  const two = await paste(session);
  expect([one.views, two.views]).toEqual([1, 2]);
  expect(one.instance).not.toBe(two.instance);
  const file = await paste(upload);
  expect(await paste(list)).toMatchObject({ files: [{ id: file.id }] });
  expect(statSync(stateDir).mode & 0o777).toBe(0o700);
  expect(statSync(join(stateDir, 'admin.key')).mode & 0o777).toBe(0o600);
  const key = readFileSync(join(stateDir, 'admin.key'), 'utf8');
  await down(first);

  const second = await up({ REPLICAS: '4' });
  const [sameSession = '', , sameList = ''] = curlLines(second);
  expect(await paste(sameSession)).toMatchObject({ views: 3 });
  expect(await paste(sameList)).toMatchObject({ files: [{ id: file.id }] });
  expect(readFileSync(join(stateDir, 'admin.key'), 'utf8')).toBe(key);
  const instances = new Set<unknown>();
  for (let i = 0; i < 4; i++) instances.add((await paste(sameSession)).instance);
  expect(instances.size).toBe(4);
  await down(second);
});

test('make run: Ctrl-C lets a request in flight end; a second Ctrl-C does not wait for it', async () => {
  const burn = async (run: Run, ms: number) => {
    const headers = { 'X-API-Key': readFileSync(join(stateDir, 'admin.key'), 'utf8').trim() };
    const answer = fetch(`http://127.0.0.1:${run.port}/load/${ms}`, { headers }).then(
      ({ status }) => `${status}`,
      () => 'cut',
    );
    // A replica burns one at a time, so each of the two says in its turn whether it is busy.
    const busy = async () => (await fetch(`http://127.0.0.1:${run.port}/load/1`, { headers })).status === 503;
    await waitFor('the burn', busy);
    return { answer };
  };
  const patient = await up();
  const whole = await burn(patient, 3000);
  await down(patient);
  expect(await whole.answer).toBe('200');

  const hasty = await up();
  const cut = await burn(hasty, 5000);
  hasty.process.kill('SIGINT');
  await waitFor('the first to be heard', () => hasty.output().includes('again Ctrl-C is quick'));
  hasty.process.kill('SIGINT');
  expect(await hasty.exited).toBe(0);
  expect(await cut.answer).toBe('cut');
});

test('make run: Ctrl-C while it starts leaves no process', async () => {
  const run = start({ PORT: `${await freePort()}` });
  await waitFor('the stores to start', () => run.output().includes('Starting PostgreSQL'));
  const pid = run.process.pid ?? 0;
  await waitFor('a store', () => processTree(pid).length > 1);
  const tree = processTree(pid);
  run.process.kill('SIGINT');
  expect(await run.exited).toBe(0);
  const recorded = JSON.parse(readFileSync(join(stateDir, 'processes.json'), 'utf8')) as { pid: number }[];
  expect([...tree, ...recorded.map((one) => one.pid)].filter(isRunning)).toEqual([]);
});

test('make run: a second one is refused while it runs, and so is make reset', async () => {
  const run = await up();
  const second = start({ PORT: `${await freePort()}` });
  expect(await second.exited).toBe(1);
  expect(second.output()).toMatch(/^make run is running already \(process \d+\)/);
  const reset = shell(join(root, 'local', 'node'), [join(root, 'local', 'reset.ts')], {
    env: { ...process.env, SLIPWAY_STATE: stateDir },
  });
  await expect(reset).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('running already') });
  expect((await fetch(`http://127.0.0.1:${run.port}/health`)).status).toBe(200);
});

test('make run: after kill -9 of it, the next one stops what was left and keeps the data', async () => {
  const crashed = await up();
  const [session = ''] = curlLines(crashed);
  const { views } = await paste(session);
  const left = processTree(crashed.process.pid ?? 0).slice(1);
  crashed.process.kill('SIGKILL');
  await crashed.exited;
  expect(left.filter(isRunning)).not.toEqual([]);

  const next = await up();
  expect(next.output()).toContain('Stopping what a crashed run left');
  expect(left.filter(isRunning)).toEqual([]);
  const [again = ''] = curlLines(next);
  expect(await paste(again)).toMatchObject({ views: Number(views) + 1 });
});

test('make run: a replica that dies is started again, with a notice', async () => {
  const run = await up({ REPLICAS: '3' });
  const processes = JSON.parse(readFileSync(join(stateDir, 'processes.json'), 'utf8')) as {
    name: string;
    pid: number;
  }[];
  const victim = processes.find(({ name }) => name === 'replica-2');
  process.kill(victim?.pid ?? 0, 'SIGKILL');
  await waitFor('the notice', () => run.output().includes('replica-2 died (SIGKILL)'));
  const instances = new Set<unknown>();
  await waitFor(
    'all three',
    async () => {
      const answer = await fetch(`http://127.0.0.1:${run.port}/session`);
      if (answer.ok) instances.add(((await answer.json()) as { instance: string }).instance);
      else await answer.body?.cancel();
      return instances.size === 3;
    },
    20_000,
  );
  expect([...instances].sort()).toEqual(['replica-1', 'replica-2', 'replica-3']);
});

test('make run: a replica that is stopped by itself leaves without a lost request', async () => {
  const run = await up();
  const processes = JSON.parse(readFileSync(join(stateDir, 'processes.json'), 'utf8')) as {
    name: string;
    pid: number;
  }[];
  const statuses = new Map<number, number>();
  let on = true;
  const clients = Array.from({ length: 8 }, async () => {
    while (on) {
      // A replica listens for as long as there is traffic; probes, such as /live, are none.
      const { status } = await fetch(`http://127.0.0.1:${run.port}/nowhere`);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  });
  process.kill(processes.find(({ name }) => name === 'replica-1')?.pid ?? 0, 'SIGTERM');
  await waitFor('the notice', () => run.output().includes('replica-1 '), 20_000);
  on = false;
  await Promise.all(clients);
  expect([...statuses.keys()]).toEqual([404]);
});

test('make run and make reset leave a folder of somebody else alone', async () => {
  const foreign = mkdtempSync(join(tmpdir(), 'slipway-foreign-'));
  writeFileSync(join(foreign, 'thesis.txt'), 'ten years of work');
  chmodSync(foreign, 0o755);
  const run = start({ PORT: `${await freePort()}`, SLIPWAY_STATE: foreign });
  expect(await run.exited).toBe(1);
  expect(run.output()).toMatch(/holds files that are not ours; give SLIPWAY_STATE a new or empty folder/);
  const reset = spawnSync(join(root, 'local', 'node'), [join(root, 'local', 'reset.ts')], {
    env: { ...process.env, SLIPWAY_STATE: foreign },
    encoding: 'utf8',
  });
  expect(reset.status).toBe(1);
  expect(reset.stderr).toMatch(/holds files that are not ours/);
  expect(readFileSync(join(foreign, 'thesis.txt'), 'utf8')).toBe('ten years of work');
  expect(statSync(foreign).mode & 0o777).toBe(0o755);
  rmSync(foreign, { recursive: true });
});

test('make run: the key is there before the first answer, and a folder with a space in its name is quoted', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'slipway run '));
  const run = start({ PORT: `${await freePort()}`, SLIPWAY_STATE: folder });
  let key = '';
  await waitFor(
    'the first answer',
    async () => {
      if (run.process.exitCode !== null) throw new Error(`it ended:\n${run.output()}`);
      const answer = await fetch(`http://localhost:${run.port}/health`).catch(() => undefined);
      if (answer?.ok) key = readFileSync(join(folder, 'admin.key'), 'utf8');
      await answer?.body?.cancel();
      return answer?.ok ?? false;
    },
    60_000,
  );
  expect(key).toMatch(/^slw_\w{12}_/);
  await waitFor('the screen', () => run.output().includes('Ctrl-C stops everything'));
  const [session = '', upload = ''] = curlLines(run);
  expect(await paste(session)).toMatchObject({ views: 1 });
  expect(await paste(session)).toMatchObject({ views: 2 });
  expect(await paste(upload)).toMatchObject({ name: 'README.md' });
  await down(run);
  rmSync(folder, { recursive: true });
});

test('make run hands LOG_LEVEL and OTLP_ENDPOINT on to the service', async () => {
  const receiver = await startOtlpReceiver();
  try {
    const run = await up({ LOG_LEVEL: 'error', OTLP_ENDPOINT: receiver.endpoint, REPLICAS: '1' });
    const log = join(stateDir, 'logs', 'replica-1.log');
    const before = readFileSync(log, 'utf8').length;
    expect((await fetch(`http://localhost:${run.port}/session`)).status).toBe(200);
    await waitFor('the span', () => receiver.spans.some(({ name }) => name === 'GET /session'), 30_000);
    expect(readFileSync(log, 'utf8').slice(before)).not.toContain('"access"');
    await down(run);
  } finally {
    receiver.close();
  }
});

test('make run: settings that the service refuses are said before a server starts', async () => {
  const run = start({ PORT: `${await freePort()}`, LOG_LEVEL: 'loud', OTLP_ENDPOINT: 'collector:4318' });
  expect(await run.exited).toBe(1);
  expect(run.output()).toMatch(
    /^2 settings are wrong:\n {2}LOG_LEVEL must be one of fatal, .*\n {2}OTLP_ENDPOINT must be a URL that starts with http:/m,
  );
  expect(run.output()).not.toMatch(/Starting PostgreSQL| {4}at /);
});

test("make run says which of a person's own servers cannot be used, and leaves nothing running", async () => {
  const run = start({ PORT: `${await freePort()}`, REDIS_URL: 'redis://127.0.0.1:1' });
  expect(await run.exited).toBe(1);
  expect(run.output()).toMatch(/The service runs, but cannot use:\n {2}redis: check REDIS_URL/);
  expect(run.output()).not.toMatch(/curl/);
});

test('make run: a taken port and wrong options are clear errors before anything starts', async () => {
  const untouched = mkdtempSync(join(tmpdir(), 'slipway-untouched-'));
  const blocker = createServer();
  await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
  const address = blocker.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const state = { SLIPWAY_STATE: join(untouched, 'state') };
  const cases: [environment: Record<string, string>, message: RegExp][] = [
    [{ PORT: `${port}` }, new RegExp(`^Port ${port} is taken; choose another: PORT=\\d+ make run\n$`)],
    [{ PORT: '0' }, /^PORT must be a whole number of port numbers from 1 to 65535, not "0"\n$/],
    [{ REPLICAS: 'many', PORT: '70000' }, /^PORT must .*, not "70000"\nREPLICAS must .* from 1 to 16, not "many"\n$/],
    [{ REDIS_URL: 'http://:secret@x' }, /^REDIS_URL must be a URL that starts with redis:\/\/ or rediss:\/\/\n$/],
    [{ S3_ENDPOINT: 'http://127.0.0.1:9' }, /^S3_BUCKET is required with S3_ENDPOINT/],
  ];
  for (const [environment, message] of cases) {
    const run = start({ PORT: `${await freePort()}`, ...environment, ...state });
    expect(await run.exited).toBe(1);
    expect(run.output()).toMatch(message);
  }
  expect(existsSync(join(untouched, 'state'))).toBe(false);
  blocker.close();
  rmSync(untouched, { recursive: true });
});

(sharedServers().s3 ? test : test.skip)(
  'make run uses a PostgreSQL, a Redis and an S3 server that are there already',
  async () => {
    const { redis, s3 } = sharedServers();
    const database = await barePostgres();
    const ownState = mkdtempSync(join(tmpdir(), 'slipway-own-'));
    const bucket = await createBucket(s3 as NonNullable<typeof s3>);
    const run = await up({
      SLIPWAY_STATE: ownState,
      DATABASE_URL: database.url,
      REDIS_URL: redis.url,
      S3_ENDPOINT: s3?.endpoint ?? '',
      S3_BUCKET: bucket,
      AWS_ACCESS_KEY_ID: s3?.accessKey ?? '',
      AWS_SECRET_ACCESS_KEY: s3?.secretKey ?? '',
    });
    const [session = '', upload = '', list = ''] = curlLines(run);
    expect(await paste(session)).toMatchObject({ views: 1 });
    const { id } = await paste(upload);
    expect(await paste(list)).toMatchObject({ files: [{ id }] });
    const rows = await database.run('SELECT id FROM files WHERE id = $1', [id]);
    expect(rows).toHaveLength(1);
    const client = s3Client(s3 as NonNullable<typeof s3>);
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
    client.destroy();
    expect(Contents).toHaveLength(1);
    expect(existsSync(join(ownState, 'postgres'))).toBe(false);
    run.process.kill('SIGINT');
    expect(await run.exited).toBe(0);
    await database.stop();
    rmSync(ownState, { recursive: true });
  },
);

test('make reset forgets the data', async () => {
  execFileSync(join(root, 'local', 'node'), [join(root, 'local', 'reset.ts')], {
    env: { ...process.env, SLIPWAY_STATE: stateDir },
  });
  const run = await up();
  const [, , list = ''] = curlLines(run);
  expect(await paste(list)).toMatchObject({ files: [] });
});

test('make help lists every verb with its comment', () => {
  const help = execFileSync('make', ['help'], { cwd: root, encoding: 'utf8' });
  for (const verb of ['help', 'run', 'test', 'lint', 'types', 'bench', 'image', 'reset', 'clean']) {
    expect(help).toMatch(new RegExp(`^  make ${verb} +\\S`, 'm'));
  }
});
