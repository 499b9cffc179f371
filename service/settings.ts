// Everything the service can be told, once: names, units, limits, defaults.
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';

/** A whole number. @param unit that faults name @param min smallest and @param max largest that is allowed */
export const integer = (unit: string, min: number, max: number) => {
  const fault = `must be a whole number of ${unit} from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, fault)
    .transform(Number)
    .refine((value) => value >= min && value <= max, fault);
};

/** One of these words. */
export const oneOf = <const Word extends string>(...words: Word[]) =>
  z.enum(words, `must be one of ${words.join(', ')}`);

/** A URL with one of these schemes. */
export const url = (...schemes: string[]) =>
  z.string().refine(
    (value) => {
      const parsed = URL.parse(value);
      return parsed !== null && schemes.includes(parsed.protocol.slice(0, -1)) && parsed.hostname !== '';
    },
    `must be a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`,
  );

/** A user name and its password, as Secrets Manager stores them: a JSON object, other members are ignored. */
export const credentials = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: 'must be a JSON object {"username": …, "password": …}' });
      return z.NEVER;
    }
  })
  .pipe(
    z.object(
      { username: z.string().min(1, 'needs a "username"'), password: z.string().min(1, 'needs a "password"') },
      'must be a JSON object {"username": …, "password": …}',
    ),
  );

export type Credentials = z.infer<typeof credentials>;

/** The schema: what each variable means, its unit, its limits and its default. Values arrive as text. */
export const settingsSchema = z.object({
  HOST: z.string().min(1).default('0.0.0.0').describe('Address to listen on.'),
  PORT: integer('port numbers (0 = any free one)', 0, 65535).default(3000).describe('Port of the API.'),
  METRICS_PORT: integer('port numbers (0 = any free one)', 0, 65535)
    .default(9090)
    .describe('Port of /metrics, which is never public.'),
  INSTANCE: z
    .string()
    .regex(/^[\w.-]{1,63}$/, 'must be 1 to 63 letters, digits, dots, dashes or underscores')
    .default(hostname().slice(0, 63))
    .describe('Name of this replica in answers, logs and metrics.'),
  LOG_LEVEL: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'silent')
    .default('info')
    .describe('Least severe level that is logged.'),
  OTLP_ENDPOINT: url('http', 'https')
    .optional()
    .describe(
      'Receiver of traces over OTLP/HTTP, such as http://collector:4318; /v1/traces is added. Without it there are no traces.',
    ),
  OTEL_SERVICE_NAME: z
    .string()
    .regex(/^[\w.-]{1,63}$/, 'must be 1 to 63 letters, digits, dots, dashes or underscores')
    .default('slipway')
    .describe('Name of the service in traces (service.name).'),
  ALLOWED_HOSTS: z
    .string()
    .default('*')
    .transform((list) => list.split(',').map((host) => host.trim().toLowerCase()))
    .refine(
      (list) => list.every((host) => host === '*' || /^[a-z0-9.-]+$/.test(host)),
      'must be host names separated by commas, or *',
    )
    .describe('Host names that are served, separated by commas; * serves every one.'),
  TRUSTED_PROXY_HOPS: integer('proxies', 0, 5)
    .default(0)
    .describe('How many proxies in front add to X-Forwarded-For; 0 ignores the header. Behind one ALB: 1.'),
  LONGEST_REQUEST_SECONDS: integer('seconds', 5, 3600)
    .default(300)
    .describe('No request may take longer; drain and clean-up derive from it.'),
  LOAD_BALANCER_IDLE_SECONDS: integer('seconds', 1, 4000)
    .default(60)
    .describe('Idle time-out of the load balancer; connections are kept alive 15 s longer than that.'),
  DRAIN_SETTLE_SECONDS: integer('seconds', 0, 300)
    .default(5)
    .describe('After SIGTERM the service stops once no request has arrived for so long.'),
  DATABASE_URL: url('postgres', 'postgresql').describe('PostgreSQL writer: postgres://host:5432/name.'),
  DATABASE_READER_URL: url('postgres', 'postgresql').optional().describe('PostgreSQL reader, if there is one.'),
  DATABASE_CREDENTIALS: credentials
    .optional()
    .describe('User and password as JSON; as a file it is read again for each new connection.'),
  DATABASE_TLS: oneOf('verify-full', 'disable')
    .default('verify-full')
    .describe('Whether the server certificate and its host name are verified.'),
  DATABASE_CA: z
    .string()
    .includes('-----BEGIN CERTIFICATE-----', { message: 'must hold a PEM certificate' })
    .optional()
    .describe('Authorities that may sign the database certificate, in PEM; default: those of the system.'),
  DATABASE_POOL_SIZE: integer('connections', 1, 100)
    .default(10)
    .describe('Most connections that one replica opens to the writer, and again to the reader.'),
  DATABASE_CONNECT_TIMEOUT_MS: integer('ms', 50, 60_000).default(2000).describe('Longest wait for a connection.'),
  DATABASE_QUERY_TIMEOUT_MS: integer('ms', 50, 60_000).default(5000).describe('Longest run of one query.'),
  DATABASE_READER_MAX_LAG_MS: integer('ms', 10, 600_000)
    .default(1000)
    .describe('A reader further behind than this is not asked.'),
  REDIS_URL: url('redis', 'rediss')
    .refine(
      (text) => /^\/?\d*$/.test(URL.parse(text)?.pathname ?? ''),
      'must end in no path, or in the number of a database',
    )
    .describe('Redis: redis://host:6379, or rediss:// for TLS.'),
  REDIS_CREDENTIALS: credentials
    .optional()
    .describe('ACL user and password as JSON; as a file it is read again for each new connection.'),
  REDIS_CA: z
    .string()
    .includes('-----BEGIN CERTIFICATE-----', { message: 'must hold a PEM certificate' })
    .optional()
    .describe('Authorities that may sign the certificate of Redis, in PEM; default: those of the system.'),
  REDIS_PREFIX: z
    .string()
    .regex(/^[\w-]{1,40}$/, 'must be 1 to 40 letters, digits, dashes or underscores')
    .default('slipway')
    .describe('First part of each key in Redis.'),
  REDIS_TIMEOUT_MS: integer('ms', 20, 10_000).default(250).describe('Longest wait for an answer of Redis.'),
  SESSION_TTL_SECONDS: integer('seconds', 10, 31_536_000).default(1800).describe('A session unused for so long ends.'),
  S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be a bucket name')
    .optional()
    .describe('Bucket for files. Give this or OBJECTS_DIR.'),
  S3_ENDPOINT: url('http', 'https').optional().describe('S3 server other than AWS.'),
  S3_REGION: z.string().min(1).default('us-east-1').describe('Region of the bucket.'),
  OBJECTS_DIR: z.string().min(1).optional().describe('Folder for files. Give this or S3_BUCKET.'),
  MAX_UPLOAD_BYTES: integer('bytes', 1, 5 * 1024 ** 3)
    .default(2 * 1024 ** 3)
    .describe('Largest file; S3 takes 5 GiB in one request.'),
  DOWNLOAD_CACHE_SECONDS: integer('seconds', 0, 31_536_000).default(60).describe('How long a CDN may keep a download.'),
  LOAD_MAX_MS: integer('ms', 1, 60_000).default(5000).describe('Longest burn that /load accepts.'),
  LOAD_WORKERS: integer('threads', 1, 16).default(1).describe('Burns at the same time on one replica.'),
  RATE_LIMIT_ADDRESS_PER_MINUTE: integer('requests per minute', 1, 10_000_000)
    .default(1200)
    .describe('Requests that one client address may send without a key.'),
  RATE_LIMIT_KEY_PER_MINUTE: integer('requests per minute', 1, 10_000_000)
    .default(6000)
    .describe('Requests that one API key may send.'),
});

type Raw = z.infer<typeof settingsSchema>;

/** Reads user and password afresh, so that a rotation needs no restart. Rejects with a fault that names the variable, never the value. */
export type CredentialsSource = () => Promise<Credentials>;

/** What the process runs with: the parsed values, with credentials as sources. */
export type Settings = Omit<Raw, 'DATABASE_CREDENTIALS' | 'REDIS_CREDENTIALS'> & {
  DATABASE_CREDENTIALS?: CredentialsSource;
  REDIS_CREDENTIALS?: CredentialsSource;
};

/** The environment that the service understands: for those who start it (a missing or misspelt name fails to compile). */
export type SettingsEnvironment = {
  [Name in keyof Raw as Name | `${Name & string}_FILE`]?: string;
} & { SETTINGS_DIR?: string };

/** All faults of the settings at once, one line each. Holds no values of secrets. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly faults: readonly string[];
  constructor(faults: readonly string[]) {
    super(
      `${faults.length} ${faults.length === 1 ? 'setting is' : 'settings are'} wrong:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
    this.faults = faults;
  }
}

interface Found {
  text: string;
  /** Where it came from, when that is a file. */
  path?: string;
}

/** Finds the text of one variable: NAME, the file that NAME_FILE names, or SETTINGS_DIR/NAME. Two at once are a fault. */
function find(name: string, environment: NodeJS.ProcessEnv): Found | string | undefined {
  const given: Found[] = [];
  const value = environment[name];
  if (value !== undefined && value !== '') given.push({ text: value });
  const named = environment[`${name}_FILE`];
  const mounted = environment.SETTINGS_DIR && join(environment.SETTINGS_DIR, name);
  for (const path of [named, mounted && existsSync(mounted) ? mounted : undefined]) {
    if (!path) continue;
    try {
      given.push({ text: readFileSync(path, 'utf8').replace(/\r?\n$/, ''), path });
    } catch (error) {
      return `cannot be read from its file ${path} (${(error as NodeJS.ErrnoException).code})`;
    }
  }
  return given.length > 1 ? `is given more than once (as ${name}, ${name}_FILE or in SETTINGS_DIR)` : given[0];
}

/** Reads credentials again from their file each time; without a file they stay what they are. */
function credentialsSource(name: string, path: string | undefined, parsed: Credentials): CredentialsSource {
  if (path === undefined) return () => Promise.resolve(parsed);
  return async () => {
    const result = credentials.safeParse((await readFile(path, 'utf8')).trim());
    if (!result.success) throw new SettingsError([`${name} ${result.error.issues[0]?.message}`]);
    return result.data;
  };
}

/**
 * Reads and checks the variables of one schema.
 *
 * @param schema what each variable means; values arrive as text, and its description tells who forgot it what it is for
 * @param environment usually process.env; for each NAME also NAME_FILE and a file NAME in SETTINGS_DIR are looked at
 * @param check faults that concern several variables, told from the texts that were given
 * @returns the parsed values, and `source` to read credentials afresh
 * @throws SettingsError naming every faulty variable, its fault and its unit
 */
export function readSettings<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  environment: NodeJS.ProcessEnv,
  check: (texts: Readonly<Record<string, string>>) => string[] = () => [],
): {
  values: z.output<z.ZodObject<Shape>>;
  source(name: keyof Shape & string, parsed: Credentials | undefined): CredentialsSource | undefined;
} {
  const faults: string[] = [];
  const texts: Record<string, string> = {};
  const paths: Record<string, string | undefined> = {};
  for (const name of Object.keys(schema.shape)) {
    const result = find(name, environment);
    if (typeof result === 'string') faults.push(`${name} ${result}`);
    else if (result !== undefined) {
      texts[name] = result.text;
      paths[name] = result.path;
    }
  }
  const parsed = schema.safeParse(texts);
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0]);
    if (faults.some((fault) => fault.startsWith(`${name} `))) continue;
    const { description } = schema.shape[name] as z.ZodType;
    faults.push(texts[name] === undefined ? `${name} is required: ${description}` : `${name} ${issue.message}`);
  }
  faults.push(...check(texts));
  if (faults.length > 0 || !parsed.success) throw new SettingsError(faults);
  return {
    values: parsed.data,
    source: (name, given) => given && credentialsSource(name, paths[name], given),
  };
}

/** Reads and checks all settings of the service: see `readSettings`. */
export function loadSettings(environment: NodeJS.ProcessEnv): Settings {
  const { values, source } = readSettings(settingsSchema, environment, ({ S3_BUCKET, OBJECTS_DIR }) =>
    (S3_BUCKET === undefined) === (OBJECTS_DIR === undefined)
      ? ['S3_BUCKET or OBJECTS_DIR is required, and only one of them: files are kept there']
      : [],
  );
  const { DATABASE_CREDENTIALS, REDIS_CREDENTIALS, ...plain } = values;
  const database = source('DATABASE_CREDENTIALS', DATABASE_CREDENTIALS);
  const redis = source('REDIS_CREDENTIALS', REDIS_CREDENTIALS);
  return {
    ...plain,
    ...(database ? { DATABASE_CREDENTIALS: database } : {}),
    ...(redis ? { REDIS_CREDENTIALS: redis } : {}),
  };
}
