// A PostgreSQL of one test's own, bootstrapped and migrated, to freeze, kill, restart and replicate.
import { chownSync, cpSync, mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { freePort } from '../../local/ports.ts';
import { type PostgresOptions, startPostgres } from '../../local/postgres.ts';
import { processTree, signal } from '../../local/processes.ts';
import type { DatabaseSettings } from '../../service/database/connection.ts';
import type { Credentials } from '../../service/settings.ts';
import { databaseUrl, prepareDatabase, users } from './databases.ts';
import type { OwnServer } from './own-servers.ts';
import { sharedServers } from './shared-servers.ts';

const database = 'slipway';
const quick = { fsync: 'off', full_page_writes: 'off' };

export interface OwnPostgres extends OwnServer {
  dir: string;
  /** Address of the database slipway, without a credential. */
  address: string;
  /** One statement as the superuser, in the database slipway if there is one. */
  run<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
}

async function own(options: PostgresOptions): Promise<OwnPostgres> {
  let server = await startPostgres(options);
  const { url, port, dir } = server;
  const superuser = new URL(url);
  superuser.pathname = `/${database}`;
  const thaw = () => signal(processTree(server.pid), 'SIGCONT');
  return {
    url,
    port,
    dir,
    address: databaseUrl(url, database),
    freeze: () => signal(processTree(server.pid), 'SIGSTOP'),
    thaw,
    async kill() {
      process.kill(server.pid, 'SIGKILL');
      await server.exited;
    },
    async restart() {
      server = await startPostgres(options);
    },
    async stop() {
      thaw();
      await server.stop();
    },
    async run<Row extends object>(text: string, values: unknown[] = []) {
      const client = new Client({ connectionString: superuser.href });
      client.on('error', () => undefined);
      await client.connect();
      try {
        return (await client.query<Row>(text, values)).rows;
      } finally {
        await client.end();
      }
    },
  };
}

/** Without the database; see prepareDatabase. */
export async function barePostgres(options: Partial<PostgresOptions> = {}): Promise<OwnPostgres> {
  const dir = mkdtempSync(join(sharedServers().dir, 'own-postgres-'));
  return own({ dir, port: await freePort(), ...options, settings: { ...quick, ...options.settings } });
}

export async function ownPostgres(options: Partial<PostgresOptions> = {}): Promise<OwnPostgres> {
  const server = await barePostgres(options);
  await prepareDatabase(server.url, database);
  return server;
}

/** A streaming replica of a server, which is restarted for it. Its settings are made by ALTER SYSTEM, so they can be changed. */
export async function ownReplica(primary: OwnPostgres): Promise<OwnPostgres> {
  const dir = mkdtempSync(join(sharedServers().dir, 'own-replica-'));
  await primary.stop();
  cpSync(primary.dir, dir, { recursive: true });
  writeFileSync(join(dir, 'standby.signal'), '');
  const { hostname, port, username, password } = new URL(primary.url);
  const conninfo = `host=${hostname} port=${port} user=${username} password=${decodeURIComponent(password)}`;
  writeFileSync(join(dir, 'postgresql.auto.conf'), `primary_conninfo = '${conninfo}'\n`);
  const { uid, gid } = statSync(primary.dir);
  for (const path of ['', ...(readdirSync(dir, { recursive: true }) as string[])]) chownSync(join(dir, path), uid, gid);
  await primary.restart();
  return own({ dir, port: await freePort(), settings: quick });
}

/** Settings for a pool to the server as an application user. */
export function databaseSettings(
  server: Pick<OwnPostgres, 'address'>,
  more: Partial<DatabaseSettings> = {},
): DatabaseSettings {
  return {
    DATABASE_URL: server.address,
    DATABASE_TLS: 'disable',
    DATABASE_CREDENTIALS: async (): Promise<Credentials> => users.appA,
    DATABASE_POOL_SIZE: 5,
    DATABASE_CONNECT_TIMEOUT_MS: 1000,
    DATABASE_QUERY_TIMEOUT_MS: 1000,
    DATABASE_READER_MAX_LAG_MS: 1000,
    ...more,
  };
}
