import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { startChild, untilReady } from '../../local/child.ts';
import { cacheFolder } from '../../local/path.ts';
import { freePort, portIsFree } from '../../local/ports.ts';
import { type PostgresServer, startPostgres } from '../../local/postgres.ts';
import { isRunning, processTree, signal } from '../../local/processes.ts';
import { findRedisServer, startRedis } from '../../local/redis.ts';
import { openState } from '../../local/state.ts';
import { waitFor } from '../support/wait.ts';

const root = join(__dirname, '..', '..');
let dir = '';
const open: (() => unknown)[] = [];
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'slipway-launchers-'));
});
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});
afterAll(() => rmSync(dir, { recursive: true }));

async function query(server: PostgresServer, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: server.url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

test('PostgreSQL keeps its data over a stop and over a crash, below a folder that is closed to others', async () => {
  const data = join(dir, 'closed', 'postgres');
  mkdirSync(join(dir, 'closed'), { mode: 0o700 });
  const first = await startPostgres({ dir: data });
  await query(first, 'create table t (n int); insert into t values (7)');
  await first.stop();
  expect(isRunning(first.pid)).toBe(false);

  const second = await startPostgres({ dir: data });
  expect(await query(second, 'select n from t')).toEqual([{ n: 7 }]);
  process.kill(second.pid, 'SIGKILL');
  expect(await second.exited).toBe('SIGKILL');

  const third = await startPostgres({ dir: data });
  open.push(() => third.stop());
  expect(await query(third, 'select n from t')).toEqual([{ n: 7 }]);
});

test('PostgreSQL whose starter was killed is stopped by the next start', async () => {
  const data = join(dir, 'orphan');
  const script = `const { startPostgres } = await import(${JSON.stringify(join(root, 'local', 'postgres.ts'))});
    console.log((await startPostgres({ dir: ${JSON.stringify(data)} })).pid);`;
  const starter: ChildProcess = spawn(join(root, 'local', 'node'), ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [text] = starter.stdout ? await once(starter.stdout, 'data') : [];
  const orphan = Number(String(text));
  starter.kill('SIGKILL');
  await once(starter, 'close');
  expect(isRunning(orphan)).toBe(true);
  const server = await startPostgres({ dir: data });
  open.push(() => server.stop());
  expect(isRunning(orphan)).toBe(false);
  expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('an interrupted initialisation is not taken for data, a folder of something else is not touched', async () => {
  const data = join(dir, 'interrupted');
  mkdirSync(`${data}.new`, { recursive: true });
  writeFileSync(join(`${data}.new`, 'PG_VERSION'), '15\n');
  const server = await startPostgres({ dir: data });
  expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
  await server.stop();
  expect(existsSync(`${data}.new`)).toBe(false);

  const other = join(dir, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'letter.txt'), 'mine');
  await expect(startPostgres({ dir: other })).rejects.toThrow('is not empty and holds no PostgreSQL data');
  expect(readFileSync(join(other, 'letter.txt'), 'utf8')).toBe('mine');
});

test('a frozen PostgreSQL can be stopped, and leaves none of its processes', async () => {
  const server = await startPostgres({ dir: join(dir, 'frozen') });
  const tree = processTree(server.pid);
  expect(tree.length).toBeGreaterThan(3);
  signal(tree, 'SIGSTOP');
  await server.stop();
  await waitFor('all of them to end', () => tree.every((pid) => !isRunning(pid)));
});

test('Redis keeps its data over a stop; a wrong argument is an error with its words', async () => {
  const server = await findRedisServer({ cacheDir: cacheFolder(), log: () => {} });
  const data = join(dir, 'redis');
  const first = await startRedis({ dir: data, server });
  expect(await portIsFree(first.port)).toBe(false);
  await first.stop();
  expect(await portIsFree(first.port)).toBe(true);
  const second = await startRedis({ dir: data, server, port: first.port });
  open.push(() => second.stop());
  expect(second.port).toBe(first.port);
  await expect(startRedis({ dir: data, server, args: ['--no-such-thing', 'x'] })).rejects.toThrow(
    /Redis ended at once/,
  );
});

test('a child that ignores the signal is killed after the grace; one that never gets ready too', async () => {
  const deaf = ['-e', 'process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1000)'];
  const child = await startChild({ name: 'deaf', command: process.execPath, args: deaf });
  await waitFor('it to be up', () => child.lastLines() === 'up');
  await child.stop(50);
  expect(await child.exited).toBe('SIGKILL');

  const late = await startChild({ name: 'late', command: process.execPath, args: deaf });
  await expect(untilReady(late, 'Late', 50, () => false)).rejects.toThrow('Late was not ready within 0.05 s');
  expect(isRunning(late.pid)).toBe(false);
  await expect(startChild({ name: 'none', command: join(dir, 'missing') })).rejects.toThrow('none cannot be started');
});

test('a process that merely has the number of a crashed run is not touched', async () => {
  const stateDir = join(dir, 'state');
  const bystander = await startChild({ name: 'bystander', command: 'sleep', args: ['60'] });
  open.push(() => bystander.stop());
  const first = await openState(stateDir, () => {});
  first.record('replica-1', bystander.pid);
  first.release();
  const file = join(stateDir, 'processes.json');
  const [recorded] = JSON.parse(readFileSync(file, 'utf8')) as { identity: string }[];
  writeFileSync(file, JSON.stringify([{ ...recorded, identity: 'another boot 1' }]));
  writeFileSync(join(stateDir, 'lock'), JSON.stringify({ pid: bystander.pid, identity: 'another boot 1' }));
  const second = await openState(stateDir, () => {});
  second.release();
  expect(isRunning(bystander.pid)).toBe(true);
});

test('free ports are free, and differ', async () => {
  const ports = await Promise.all(Array.from({ length: 5 }, freePort));
  expect(new Set(ports).size).toBe(5);
  for (const port of ports) expect(await portIsFree(port)).toBe(true);
});
