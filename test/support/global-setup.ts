// Starts the real servers that all test files share, and bundles the service. Each file then takes a database, a key prefix and a bucket of its own.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
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

export default async function setup(): Promise<void> {
  const root = join(__dirname, '..', '..');
  execFileSync(process.execPath, [join(root, 'service', 'build.mjs')], { stdio: 'inherit' });
  const cacheDir = cacheFolder();
  const dir = mkdtempSync(join(tmpdir(), 'slipway-test-'));
  chmodSync(dir, 0o755);

  const postgres = await startPostgres({
    dir: join(dir, 'postgres'),
    settings: { max_connections: '300', fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' },
  });
  running.push(postgres);
  const redis = await startRedis({ dir: join(dir, 'redis'), server: await findRedisServer({ cacheDir, log }) });
  running.push(redis);
  const program = await findVersitygw({ cacheDir, log });
  const s3 = program && (await startVersitygw({ dir: join(dir, 's3'), program }));
  if (s3) running.push(s3);

  const servers: SharedServers = {
    dir,
    postgres: { url: postgres.url },
    redis: { url: redis.url },
    ...(s3 ? { s3: { endpoint: s3.endpoint, accessKey: s3.accessKey, secretKey: s3.secretKey } } : {}),
  };
  shareServers(servers);
  await prepareTemplate(servers.postgres.url);
}
