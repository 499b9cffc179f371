// Two database users take turns: the one that is not in use gets a new password and becomes the one in use.
import { Client, type ClientConfig, escapeIdentifier, escapeLiteral } from 'pg';
import type { Rotation } from './rotate.ts';
import { scramVerifier } from './scram.ts';
import type { Credentials, SecretVersions } from './secret-versions.ts';

export interface AlternatingUsersOptions {
  versions: SecretVersions;
  /** Secret of the user that may change the passwords of both. */
  masterSecret: string;
  /** Secrets of the two users. A later bootstrap sets the passwords that they hold, so they follow each rotation. */
  userSecrets: readonly [string, string];
  /** Host, port, TLS; the users come from the secrets. */
  server: Pick<ClientConfig, 'host' | 'port' | 'ssl'>;
  /** Database that the users may connect to. */
  database: string;
}

const connectTimeoutMs = 10_000;

export function alternatingUsers({ versions, masterSecret, userSecrets, server, database }: AlternatingUsersOptions) {
  async function connected(
    credentials: Credentials,
    databaseName: string,
    run: (client: Client) => Promise<unknown>,
  ): Promise<void> {
    const client = new Client({
      ...server,
      user: credentials.username,
      password: credentials.password,
      database: databaseName,
      connectionTimeoutMillis: connectTimeoutMs,
      statement_timeout: connectTimeoutMs,
    });
    await client.connect();
    await run(client).finally(() => client.end());
  }

  /** The secret and name of the user whose turn is next. */
  async function other(current: Credentials): Promise<{ secret: string; username: string }> {
    const users = await Promise.all(
      userSecrets.map(async (secret) => ({ secret, username: (await versions.current(secret)).username })),
    );
    const found = users.find(({ username }) => username !== current.username);
    if (found === undefined) throw new Error(`Both secrets of the alternating users name ${current.username}.`);
    return found;
  }

  return {
    next: async (current, password) => ({ username: (await other(current)).username, password }),

    async set(pending, current) {
      const { secret } = await other(current);
      // First the secret, then the server: a bootstrap in between only does what comes next anyway.
      await versions.replace(secret, pending);
      await connected(await versions.current(masterSecret), 'postgres', (client) =>
        client.query(
          `ALTER ROLE ${escapeIdentifier(pending.username)} PASSWORD ${escapeLiteral(scramVerifier(pending.password))}`,
        ),
      );
    },

    test: (pending) => connected(pending, database, (client) => client.query('SELECT 1')),
  } satisfies Rotation;
}
