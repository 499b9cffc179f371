// Brings the schema up to date, as the owner. Several at once wait for each other, and the later ones find nothing to do.

import { runner } from 'node-pg-migrate';
import { type Client, escapeIdentifier } from 'pg';
import { connectOnce, type ServerSettings } from '../database/connection.ts';
import { migrationsDir, migrationsTable } from '../database/migrations.ts';
import { appRole, ownerRole } from '../database/roles.ts';
import { readSettings, settingsSchema } from '../settings.ts';
import { tryFor, waitSetting } from './patience.ts';
import { printHelp, reportFailure } from './report.ts';

const schema = settingsSchema
  .pick({ DATABASE_URL: true, DATABASE_CREDENTIALS: true, DATABASE_TLS: true, DATABASE_CA: true })
  .extend(waitSetting);

const connectTimeoutMs = 10_000;
/** Longest wait for another migrator, and longest run of one statement. */
const statementTimeoutMs = 300_000;
/** A migration that waits for a lock makes everybody else wait behind it: better to give up and be started again. */
const lockTimeoutMs = 5000;
/** For one migrator at a time; taken with the long time-out, before the short one for locks holds. */
const migrateLock = 5_170_242;

/** The caller ends it. Fails also before a bootstrap has come to its end. */
async function connectAsOwner(address: string, server: ServerSettings): Promise<Client> {
  const client = await connectOnce(address, server, {
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + 1000,
  });
  try {
    await client.query(`SET ROLE ${escapeIdentifier(ownerRole)}`);
    return client;
  } catch (error) {
    await client.end();
    throw error;
  }
}

/** @returns exit code: 0 done, 1 not done, 2 wrong arguments */
export async function run(environment: NodeJS.ProcessEnv, argv: readonly string[]): Promise<number> {
  if (argv.length > 0) return printHelp(argv, 'migrate', 'Brings the schema up to date.', schema);
  /** The migration that is under way. */
  let current: string | undefined;
  try {
    const { values, source } = readSettings(schema, environment);
    const server = {
      ...values,
      DATABASE_CONNECT_TIMEOUT_MS: connectTimeoutMs,
      DATABASE_CREDENTIALS: source('DATABASE_CREDENTIALS', values.DATABASE_CREDENTIALS),
    };
    const client = await tryFor(values.DATABASE_WAIT_SECONDS, () => connectAsOwner(values.DATABASE_URL, server));
    try {
      await client.query('SELECT pg_advisory_lock($1)', [migrateLock]);
      await client.query(`SET lock_timeout = ${lockTimeoutMs}`);
      const applied = await runner({
        dbClient: client,
        dir: migrationsDir,
        direction: 'up',
        migrationsTable,
        noLock: true, // its own lock would be waited for under lock_timeout
        // Printed, it would be whole statements; the name of the migration and the error tell enough.
        log: (line) => {
          current = /^### MIGRATION (\S+) \(UP\) ###$/.exec(line)?.[1] ?? current;
        },
      });
      current = undefined;
      await client.query(`REVOKE INSERT, UPDATE, DELETE ON ${migrationsTable} FROM ${escapeIdentifier(appRole)}`);
      const names = applied.map(({ name }) => name).join(', ');
      process.stdout.write(names === '' ? 'The schema is up to date.\n' : `Applied ${names}.\n`);
      return 0;
    } finally {
      await client.end();
    }
  } catch (error) {
    if (current !== undefined) process.stderr.write(`The migration ${current} failed.\n`);
    return reportFailure('migrate', error);
  }
}
