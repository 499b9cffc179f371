// Starts the real servers that all test files share, and bundles the service. Each file then takes a database, a key prefix and a bucket of its own.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from '../../local/path.ts';
import { startPostgres } from '../../local/postgres.ts';
import { findRedisServer, startRedis } from '../../local/redis.ts';
import { findVersitygw, startVersitygw } from '../../local/versitygw.ts';
import { prepareTemplate } from './databases.ts';
import { type SharedServers, shareServers } from './shared-servers.ts';

const log = (line: string) => process.stdout.write(`${line}\n`);

/** Stopped by the teardown, last started first. */
export const running: { stop(): Promise<void> }[] = [];

/** Stops and removes everything of this run. */
export async function stopAll(dir: string): Promise<void> {
  for (const server of running.reverse()) await server.stop();
  rmSync(dir, { recursive: true, force: true });
}

/** A real S3 server, if one can be had: else its tests count as skipped. */
export async function startS3(dir: string): Promise<Pick<SharedServers, 's3'>> {
  const program = await findVersitygw({ cacheDir: cacheFolder(), log });
  if (!program) return {};
  const s3 = await startVersitygw({ dir: join(dir, 's3'), program });
  running.push(s3);
  return { s3: { endpoint: s3.endpoint, accessKey: s3.accessKey, secretKey: s3.secretKey } };
}

/** The servers and the bundle, in this folder. */
export async function start(dir: string): Promise<void> {
  const dist = join(dir, 'dist');
  execFileSync(process.execPath, [join(import.meta.dirname, '..', '..', 'service', 'build.mjs'), dist], {
    stdio: 'inherit',
  });
  const postgres = await startPostgres({
    dir: join(dir, 'postgres'),
    settings: { max_connections: '300', fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' },
  });
  running.push(postgres);
  const redis = await startRedis({
    dir: join(dir, 'redis'),
    server: await findRedisServer({ cacheDir: cacheFolder(), log }),
  });
  running.push(redis);
  shareServers({
    dir,
    program: { main: join(dist, 'main.js') },
    postgres: { url: postgres.url },
    redis: { url: redis.url },
    ...(await startS3(dir)),
  });
  await prepareTemplate(postgres.url);
}

/** Runs a set-up in a folder of its own; when it fails, nothing of it is left. */
export async function setUpWith(begin: (dir: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'slipway-test-'));
  chmodSync(dir, 0o755);
  try {
    await begin(dir);
  } catch (error) {
    await stopAll(dir);
    throw error;
  }
}

export default (): Promise<void> => setUpWith(start);
