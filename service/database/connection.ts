// How one connection to PostgreSQL is made: address, TLS, time-outs, and credentials read afresh.
import { Client, type ClientConfig } from 'pg';
import type { CredentialsSource, Settings } from '../settings.ts';

/** The settings that concern PostgreSQL. */
export type DatabaseSettings = Pick<Settings, Extract<keyof Settings, `DATABASE_${string}`>>;

/** What every connection needs to know of its server. */
export type ServerSettings = Pick<
  DatabaseSettings,
  'DATABASE_TLS' | 'DATABASE_CA' | 'DATABASE_CONNECT_TIMEOUT_MS' | 'DATABASE_CREDENTIALS'
>;

/** The server cancels a statement at its time-out; a server that is this much later does not answer at all. */
const answerGraceMs = 500;

/**
 * Address and TLS of a server. Certificate and host name are verified unless DATABASE_TLS says `disable`.
 *
 * @param address postgres://host:port/name, with or without user and password
 */
export function serverConfig(address: string, settings: ServerSettings): ClientConfig {
  const url = new URL(address);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 5432),
    database: decodeURIComponent(url.pathname.slice(1)) || 'postgres',
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    ssl:
      settings.DATABASE_TLS === 'disable'
        ? false
        : {
            rejectUnauthorized: true,
            minVersion: 'TLSv1.2',
            ...(settings.DATABASE_CA ? { ca: settings.DATABASE_CA } : {}),
          },
    connectionTimeoutMillis: settings.DATABASE_CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: 'slipway',
  };
}

/** Limits of a session whose statements may run for `queryMs` each. A lock is waited for half of that. */
export function sessionLimits(queryMs: number): ClientConfig {
  return {
    statement_timeout: queryMs,
    query_timeout: queryMs + answerGraceMs,
    lock_timeout: Math.ceil(queryMs / 2),
    idle_in_transaction_session_timeout: queryMs * 2,
  };
}

/** User and password could not be read afresh. */
export class CredentialsUnreadable extends Error {
  override readonly name = 'CredentialsUnreadable';
}

/**
 * A client class that asks for user and password each time it connects, so that a rotation needs no restart.
 * The driver takes a function for the password only, and alternating users change their name too.
 */
export function rotatingClient(source: CredentialsSource): typeof Client {
  return class extends Client {
    override connect(): Promise<this>;
    override connect(callback: (error: Error) => void): void;
    override connect(callback?: (error: Error) => void): Promise<this> | undefined {
      const ready = source().then(
        ({ username, password }) => {
          const client = this as unknown as { connectionParameters: { user: string }; user: string; password: string };
          client.connectionParameters.user = username;
          client.user = username;
          client.password = password;
        },
        (cause) => {
          throw new CredentialsUnreadable('the database credentials cannot be read', { cause });
        },
      );
      if (callback === undefined) return ready.then(() => super.connect()).then(() => this);
      ready.then(() => super.connect(callback), callback);
      return undefined;
    }
  } as typeof Client;
}

/** A single connection outside any pool, for commands. The caller ends it. */
export async function connectOnce(address: string, settings: ServerSettings, limits: ClientConfig): Promise<Client> {
  const Class = settings.DATABASE_CREDENTIALS ? rotatingClient(settings.DATABASE_CREDENTIALS) : Client;
  const client = new Class({ ...serverConfig(address, settings), ...limits });
  client.on('error', () => undefined); // each query reports its own failure
  await client.connect();
  return client;
}
