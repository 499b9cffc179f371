// Makes database, roles, users and rights on a server. Doing it again changes nothing but the passwords, to those given.
import * as z from 'zod';
import { connectOnce, sessionLimits } from '../database/connection.ts';
import { ensureRights, ensureServer } from '../database/roles.ts';
import { credentials, readSettings, settingsSchema, url } from '../settings.ts';
import { tryFor, waitSetting } from './patience.ts';
import { printHelp, reportFailure } from './report.ts';

const login = credentials
  .refine(
    ({ password }) => /^[\x20-\x7e]{8,200}$/.test(password),
    'needs a password of 8 to 200 printable ASCII characters',
  )
  .refine(
    ({ username }) => /^[a-z_][a-z0-9_]{0,62}$/.test(username),
    'needs a username of lower-case letters, digits and underscores',
  );

const schema = z.object({
  DATABASE_MASTER_URL: url('postgres', 'postgresql').describe(
    'PostgreSQL with a user that may create roles and databases: postgres://user:password@host:5432/postgres.',
  ),
  DATABASE_NAME: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'must be up to 63 lower-case letters, digits and underscores')
    .default('slipway')
    .describe('Database to make.'),
  ...settingsSchema.pick({ DATABASE_TLS: true, DATABASE_CA: true }).shape,
  ...waitSetting,
  MIGRATOR_CREDENTIALS: login.describe('User that changes the schema, and its password, as JSON.'),
  APP_A_CREDENTIALS: login.describe('First user of the application, and its password, as JSON.'),
  APP_B_CREDENTIALS: login.describe('Second user of the application, and its password, as JSON; the two take turns.'),
});

const connectTimeoutMs = 10_000;
const statementTimeoutMs = 60_000;

/** @returns exit code: 0 done, 1 not done, 2 wrong arguments */
export async function run(environment: NodeJS.ProcessEnv, argv: readonly string[]): Promise<number> {
  if (argv.length > 0) return printHelp(argv, 'bootstrap', 'Makes database, roles, users and rights.', schema);
  try {
    const { values } = readSettings(schema, environment, (texts) => {
      const names = ['MIGRATOR_CREDENTIALS', 'APP_A_CREDENTIALS', 'APP_B_CREDENTIALS'].map(
        (variable) => credentials.safeParse(texts[variable]).data?.username,
      );
      const known = names.filter((name) => name !== undefined);
      return new Set(known).size < known.length
        ? ['MIGRATOR_CREDENTIALS, APP_A_CREDENTIALS and APP_B_CREDENTIALS must name three different users']
        : [];
    });
    const settings = { ...values, DATABASE_CONNECT_TIMEOUT_MS: connectTimeoutMs, DATABASE_CREDENTIALS: undefined };
    const limits = sessionLimits(statementTimeoutMs);
    const logins = {
      migrator: values.MIGRATOR_CREDENTIALS,
      apps: [values.APP_A_CREDENTIALS, values.APP_B_CREDENTIALS] as const,
    };
    const server = await tryFor(values.DATABASE_WAIT_SECONDS, () =>
      connectOnce(values.DATABASE_MASTER_URL, settings, limits),
    );
    await ensureServer(server, values.DATABASE_NAME, logins).finally(() => server.end());
    const inside = new URL(values.DATABASE_MASTER_URL);
    inside.pathname = `/${values.DATABASE_NAME}`;
    const database = await connectOnce(inside.href, settings, limits);
    await ensureRights(database, values.DATABASE_NAME, logins).finally(() => database.end());
    process.stdout.write(`The database ${values.DATABASE_NAME} is set up.\n`);
    return 0;
  } catch (error) {
    return reportFailure('bootstrap', error);
  }
}
