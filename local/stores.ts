// The stores that the replicas share: started here, or the person's own; and the database made ready for the service.
import { appendFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { RunOptions } from './options.ts';
import { startPostgres } from './postgres.ts';
import { findRedisServer, startRedis } from './redis.ts';
import { type ReplicaSettings, runCommand } from './service.ts';
import { randomPassword, type State } from './state.ts';

/** Name of the file in the state folder with what a command needs to reach the database. */
export const accessFile = 'secrets/access.json';

/** Something started here that has to be stopped. */
export interface Started {
  name: string;
  stop(): Promise<void>;
  /** Resolves when it ends, by itself or because it was stopped. */
  exited: Promise<string>;
}

export interface Stores {
  /** What the replicas have to be told to reach them. */
  settings: ReplicaSettings;
  /** Makes an admin API key. */
  adminKey(): Promise<string>;
}

/**
 * Starts what the person did not bring, adding each to `started` as soon as it runs, and prepares the database.
 *
 * @throws with the reason in words when one of them cannot be had
 */
export async function openStores(
  program: string,
  options: RunOptions,
  state: State,
  started: Started[],
  log: (line: string) => void,
): Promise<Stores> {
  const into = (name: string) => {
    const file = state.logFile(name);
    return (line: string) => appendFileSync(file, `${line}\n`);
  };
  const postgres = async () => {
    if (options.databaseUrl) return options.databaseUrl;
    const server = await startPostgres({ dir: state.path('postgres'), log: into('postgres') });
    state.record('PostgreSQL', server.pid, 'SIGINT');
    started.push({ name: 'PostgreSQL', stop: server.stop, exited: server.exited });
    return server.url;
  };
  const redis = async () => {
    if (options.redisUrl) return options.redisUrl;
    const server = await findRedisServer({ cacheDir: options.cacheDir, log });
    // Whoever reaches the port must not reach the sessions.
    const password = state.keep('secrets/redis.password', randomPassword);
    const config = state.path('secrets', 'redis.conf');
    state.keep('secrets/redis.conf', () => `requirepass ${password}`);
    const running = await startRedis({ dir: state.path('redis'), server, config, log: into('redis') });
    state.record('Redis', running.pid);
    started.push({ name: 'Redis', stop: running.stop, exited: running.exited });
    return `redis://:${password}@127.0.0.1:${running.port}`;
  };
  // Both to their end, so that what started is known even if the other fails.
  const [database, cache] = await Promise.allSettled([postgres(), redis()]);
  if (database.status === 'rejected') throw database.reason;
  if (cache.status === 'rejected') throw cache.reason;
  const objects = await objectSettings(options, state);

  const { appUrl, appFile } = await prepareDatabase(program, database.value, options, state);
  const access = { ...options.database, DATABASE_URL: appUrl, DATABASE_CREDENTIALS_FILE: appFile };
  state.replace(accessFile, JSON.stringify(access));
  return {
    settings: { ...access, ...objects, REDIS_URL: cache.value },
    adminKey: async () => (await runCommand(program, ['admin-key', '--name', 'local admin'], access)).trim(),
  };
}

async function objectSettings(options: RunOptions, state: State): Promise<ReplicaSettings> {
  if (options.s3) {
    const { bucket, endpoint, region } = options.s3;
    return {
      S3_BUCKET: bucket,
      ...(endpoint === undefined ? {} : { S3_ENDPOINT: endpoint }),
      ...(region === undefined ? {} : { S3_REGION: region }),
    };
  }
  const dir = state.path('objects');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  return { OBJECTS_DIR: dir };
}

/** Bootstrap and migrations; both change nothing when done before. */
async function prepareDatabase(
  program: string,
  masterUrl: string,
  options: RunOptions,
  state: State,
): Promise<{ appUrl: string; appFile: string }> {
  const name = 'slipway';
  const users = { MIGRATOR: 'slipway_migrator', APP_A: 'slipway_app_a', APP_B: 'slipway_app_b' };
  const files = Object.fromEntries(
    Object.entries(users).map(([variable, username]) => {
      const file = `secrets/${username}.json`;
      state.keep(file, () => JSON.stringify({ username, password: randomPassword() }));
      return [`${variable}_CREDENTIALS_FILE`, state.path(file)];
    }),
  );
  const { hostname, port } = new URL(masterUrl);
  const appUrl = `postgres://${hostname}:${port || 5432}/${name}`;
  await runCommand(program, ['bootstrap'], {
    ...options.database,
    ...files,
    DATABASE_MASTER_URL: masterUrl,
    DATABASE_NAME: name,
  });
  await runCommand(program, ['migrate'], {
    ...options.database,
    DATABASE_URL: appUrl,
    DATABASE_CREDENTIALS_FILE: files.MIGRATOR_CREDENTIALS_FILE,
  });
  return { appUrl, appFile: state.path(`secrets/${users.APP_A}.json`) };
}
