// A database of its own for each test file, copied from one that has been bootstrapped and migrated by the real commands.
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { runCommand } from './service.ts';

const template = 'slipway_template';

/** Users that the bootstrap makes on the shared server. */
export const users = {
  migrator: { username: 'slipway_migrator', password: 'migrator-password' },
  appA: { username: 'slipway_app_a', password: 'app-a-password' },
  appB: { username: 'slipway_app_b', password: 'app-b-password' },
} as const;

/** The same server and another database, without a credential. */
export function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.username = '';
  url.password = '';
  url.pathname = `/${name}`;
  return url.href;
}

/** Environment of the bootstrap command for a server. */
export function bootstrapEnvironment(serverUrl: string, name: string): Record<string, string> {
  return {
    DATABASE_MASTER_URL: serverUrl,
    DATABASE_NAME: name,
    DATABASE_TLS: 'disable',
    MIGRATOR_CREDENTIALS: JSON.stringify(users.migrator),
    APP_A_CREDENTIALS: JSON.stringify(users.appA),
    APP_B_CREDENTIALS: JSON.stringify(users.appB),
  };
}

/** Bootstraps and migrates a database with the service's own commands. */
export async function prepareDatabase(serverUrl: string, name: string): Promise<void> {
  await runCommand(['bootstrap'], bootstrapEnvironment(serverUrl, name));
  await runCommand(['migrate'], {
    DATABASE_URL: databaseUrl(serverUrl, name),
    DATABASE_TLS: 'disable',
    DATABASE_CREDENTIALS: JSON.stringify(users.migrator),
  });
}

export async function prepareTemplate(serverUrl: string): Promise<void> {
  await prepareDatabase(serverUrl, template);
}

/** A fresh migrated database on the shared server. @returns its name */
export async function createDatabase(serverUrl: string): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const client = new Client({ connectionString: serverUrl });
  await client.connect();
  try {
    // Two copies of one template at a time would refuse each other.
    await client.query('SELECT pg_advisory_lock(1)');
    await client.query(`CREATE DATABASE ${name} TEMPLATE ${template} OWNER slipway_owner`);
  } finally {
    await client.end();
  }
  return name;
}
