// The roles of a database server, made or corrected from a master credential that need not be a superuser.
//
//   slipway_owner  owns the database and everything in it; nobody logs in as it
//   slipway_app    what the application may do: read and write rows, nothing else
//   the migrator   logs in, and may become the owner
//   two app users  log in as members of slipway_app; rotation gives the one a new password while the other is in use
import { type Client, escapeLiteral as literal, escapeIdentifier as name } from 'pg';
import type { Credentials } from '../settings.ts';
import { scramVerifier } from './scram.ts';

export const ownerRole = 'slipway_owner';
export const appRole = 'slipway_app';

/** One bootstrap at a time on a server; the number means nothing. */
const bootstrapLock = 5_170_241;

export interface Logins {
  migrator: Credentials;
  apps: readonly [Credentials, Credentials];
}

async function exists(
  client: Client,
  table: 'pg_roles' | 'pg_database',
  column: string,
  value: string,
): Promise<boolean> {
  const { rowCount } = await client.query(`SELECT FROM ${table} WHERE ${column} = $1`, [value]);
  return rowCount === 1;
}

async function ensureRole(client: Client, role: string, attributes: string): Promise<void> {
  const verb = (await exists(client, 'pg_roles', 'rolname', role)) ? 'ALTER' : 'CREATE';
  await client.query(`${verb} ROLE ${name(role)} ${attributes}`);
}

/** Doing it again is no error. From PostgreSQL 16 on it also gives its maker the right to become a role it has made. */
const ensureMember = (client: Client, role: string, member: string) =>
  client.query(`GRANT ${name(role)} TO ${name(member)}`);

/** Makes or corrects roles, passwords and the database. `master` is connected to any other database of the server. */
export async function ensureServer(master: Client, database: string, { migrator, apps }: Logins): Promise<void> {
  await master.query('SELECT pg_advisory_lock($1)', [bootstrapLock]);
  await ensureRole(master, ownerRole, 'NOLOGIN');
  await ensureRole(master, appRole, 'NOLOGIN');
  for (const { username, password } of [migrator, ...apps]) {
    await ensureRole(master, username, `LOGIN PASSWORD ${literal(scramVerifier(password))}`);
  }
  const { rows } = await master.query<{ name: string; superuser: boolean }>(
    'SELECT rolname AS name, rolsuper AS superuser FROM pg_roles WHERE rolname = current_user',
  );
  // Who gives a database to a role must be able to become that role; a superuser can anyway.
  if (rows[0] && !rows[0].superuser) await ensureMember(master, ownerRole, rows[0].name);
  for (const { username } of apps) await ensureMember(master, appRole, username);
  if (await exists(master, 'pg_database', 'datname', database)) {
    await master.query(`ALTER DATABASE ${name(database)} OWNER TO ${name(ownerRole)}`);
  } else {
    await master.query(`CREATE DATABASE ${name(database)} OWNER ${name(ownerRole)} ENCODING 'UTF8' TEMPLATE template0`);
  }
}

/**
 * Rights inside the database. `master` is connected to it. The migrator may become the owner only from here on: what an
 * earlier migration made would be closed to the application for ever, as default rights hold for later tables alone.
 */
export async function ensureRights(master: Client, database: string, { migrator }: Logins): Promise<void> {
  await master.query('BEGIN');
  await master.query('SELECT pg_advisory_xact_lock($1)', [bootstrapLock]);
  await master.query(`SET LOCAL ROLE ${name(ownerRole)}`);
  for (const statement of [
    `REVOKE ALL ON DATABASE ${name(database)} FROM PUBLIC`, // connecting, and tables of a session's own
    `GRANT CONNECT ON DATABASE ${name(database)} TO ${name(appRole)}`,
    'REVOKE ALL ON SCHEMA public FROM PUBLIC',
    `GRANT USAGE ON SCHEMA public TO ${name(appRole)}`,
    ...['TABLES:SELECT, INSERT, UPDATE, DELETE', 'SEQUENCES:USAGE, SELECT'].map((grant) => {
      const [kind, rights] = grant.split(':');
      return `ALTER DEFAULT PRIVILEGES FOR ROLE ${name(ownerRole)} IN SCHEMA public GRANT ${rights} ON ${kind} TO ${name(appRole)}`;
    }),
    `ALTER DEFAULT PRIVILEGES FOR ROLE ${name(ownerRole)} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC`,
  ]) {
    await master.query(statement);
  }
  await master.query('RESET ROLE');
  await ensureMember(master, ownerRole, migrator.username);
  await master.query('COMMIT');
}
