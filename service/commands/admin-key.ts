// Makes an API key with every scope and prints it, alone, on standard output: the first way in, as there are no default credentials.
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import * as z from 'zod';
import { scopes } from '../caller.ts';
import { openDatabase } from '../database/pools.ts';
import { readSettings, settingsSchema } from '../settings.ts';
import { noInvalidation } from '../stores/invalidation.ts';
import { keyName } from '../stores/key-schemas.ts';
import { createKeys, type KeyRequest } from '../stores/keys.ts';
import { printHelp, reportFailure } from './report.ts';

const schema = settingsSchema.pick({
  DATABASE_URL: true,
  DATABASE_CREDENTIALS: true,
  DATABASE_TLS: true,
  DATABASE_CA: true,
  DATABASE_CONNECT_TIMEOUT_MS: true,
  DATABASE_QUERY_TIMEOUT_MS: true,
  DATABASE_READER_MAX_LAG_MS: true,
});

const longestSeconds = 31_536_000;

const flags = { name: { type: 'string', default: 'admin' }, 'expires-in': { type: 'string' } } as const;

const flagValues = z.object({
  name: keyName,
  'expires-in': z
    .string()
    .regex(/^[1-9]\d{0,7}$/)
    .transform((seconds) => Number(seconds))
    .refine((seconds) => seconds <= longestSeconds)
    .optional(),
});

/** What `argv` asks for; undefined when the arguments are wrong. */
function requestFrom(argv: readonly string[]): Pick<KeyRequest, 'name' | 'expiresAt'> | undefined {
  try {
    const { name, 'expires-in': seconds } = flagValues.parse(parseArgs({ args: [...argv], options: flags }).values);
    return { name, expiresAt: seconds === undefined ? undefined : new Date(Date.now() + seconds * 1000) };
  } catch {
    return undefined;
  }
}

/** @returns exit code: 0 done, 1 not done, 2 wrong arguments */
export async function run(environment: NodeJS.ProcessEnv, argv: readonly string[]): Promise<number> {
  const request = requestFrom(argv);
  if (request === undefined) {
    const options = [
      '--name NAME            what the list of keys calls it, 1 to 100 characters; default: admin',
      `--expires-in SECONDS   when it ends, 1 to ${longestSeconds}; default: never`,
    ];
    return printHelp(argv, 'admin-key', 'Makes an API key with every scope and prints it.', schema, options);
  }
  try {
    const { values, source } = readSettings(schema, environment);
    const log = pino({ level: 'silent' });
    const credentials = source('DATABASE_CREDENTIALS', values.DATABASE_CREDENTIALS);
    const { DATABASE_CREDENTIALS, ...plain } = values;
    const database = openDatabase(
      { ...plain, DATABASE_POOL_SIZE: 1, ...(credentials ? { DATABASE_CREDENTIALS: credentials } : {}) },
      log,
    );
    try {
      const { key } = await createKeys({ database, invalidation: noInvalidation, log }).create({ ...request, scopes });
      process.stdout.write(`${key}\n`);
      return 0;
    } finally {
      await database.close();
    }
  } catch (error) {
    return reportFailure('admin-key', error);
  }
}
