// What a person may tell `make run`, read from the environment and checked before anything starts.
import { join, resolve } from 'node:path';
import type { SettingsEnvironment } from '../service/settings.ts';

export interface RunOptions {
  port: number;
  replicas: number;
  /** Folder for all state. */
  stateDir: string;
  /** Superuser or owner of databases on a PostgreSQL of the person's own: postgres://user:password@host:port/name. */
  databaseUrl: string | undefined;
  redisUrl: string | undefined;
  /** Present when files go to S3; credentials are those of the AWS environment variables. */
  s3: { bucket: string; endpoint: string | undefined; region: string | undefined } | undefined;
  /** Folder for programs that are fetched: SLIPWAY_CACHE, else packages in the folder for state. */
  cacheDir: string;
  /** Passed on to the service as they are. */
  database: { DATABASE_TLS: 'verify-full' | 'disable'; DATABASE_CA_FILE?: string };
  /** Also passed on as they are; the service itself says what is wrong with them. */
  observability: Pick<SettingsEnvironment, 'LOG_LEVEL' | 'OTLP_ENDPOINT'>;
}

/** All faults of the options at once, one line each. */
export class OptionsError extends Error {
  override readonly name = 'OptionsError';
}

/** The folder for all state: SLIPWAY_STATE, else .local in the checkout. */
export function stateFolder(environment: NodeJS.ProcessEnv): string {
  return resolve(environment.SLIPWAY_STATE || join(import.meta.dirname, '..', '.local'));
}

/** Folder for the state of `make observe`, in that of `make run`. */
export function observeFolder(stateDir: string): string {
  return join(stateDir, 'observe');
}

/** @throws OptionsError */
export function readOptions(environment: NodeJS.ProcessEnv): RunOptions {
  const faults: string[] = [];
  const given = (name: string) => environment[name] || undefined;
  const whole = (name: string, initial: number, min: number, max: number, what: string) => {
    const text = given(name) ?? `${initial}`;
    const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max))
      faults.push(`${name} must be a whole number of ${what} from ${min} to ${max}, not "${text}"`);
    return value;
  };
  const url = (name: string, ...schemes: string[]) => {
    const text = given(name);
    if (text !== undefined && !schemes.some((scheme) => URL.parse(text)?.protocol === `${scheme}:`))
      // The text may hold a password.
      faults.push(`${name} must be a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`);
    return text;
  };

  const databaseUrl = url('DATABASE_URL', 'postgres', 'postgresql');
  const endpoint = url('S3_ENDPOINT', 'http', 'https');
  const bucket = given('S3_BUCKET');
  if (endpoint && !bucket) faults.push('S3_BUCKET is required with S3_ENDPOINT: the bucket that files go to');
  if (bucket && !(given('AWS_ACCESS_KEY_ID') && given('AWS_SECRET_ACCESS_KEY')) && !given('AWS_PROFILE'))
    faults.push('S3_BUCKET needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE');
  const tls = given('DATABASE_TLS') ?? 'disable';
  if (tls !== 'disable' && tls !== 'verify-full') faults.push('DATABASE_TLS must be verify-full or disable');
  const ca = given('DATABASE_CA_FILE');
  const options: RunOptions = {
    port: whole('PORT', 3000, 1, 65535, 'port numbers'),
    replicas: whole('REPLICAS', 2, 1, 16, 'processes'),
    stateDir: stateFolder(environment),
    cacheDir: given('SLIPWAY_CACHE') ?? join(stateFolder(environment), 'packages'),
    databaseUrl,
    redisUrl: url('REDIS_URL', 'redis', 'rediss'),
    s3: bucket === undefined ? undefined : { bucket, endpoint, region: given('S3_REGION') },
    database: {
      DATABASE_TLS: tls === 'verify-full' ? tls : 'disable',
      ...(ca === undefined ? {} : { DATABASE_CA_FILE: ca }),
    },
    observability: Object.fromEntries(
      (['LOG_LEVEL', 'OTLP_ENDPOINT'] as const).flatMap((name) => {
        const text = given(name);
        return text === undefined ? [] : [[name, text]];
      }),
    ),
  };
  if (faults.length > 0) throw new OptionsError(faults.join('\n'));
  return options;
}
