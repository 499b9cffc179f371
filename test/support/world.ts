// What one test file works in: its own database, key prefix and place for objects on the shared real servers.
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { SettingsEnvironment } from '../../service/settings.ts';
import { createDatabase, databaseUrl, users } from './databases.ts';
import { createBucket } from './s3.ts';
import { runCommand, type ServiceProcess, startService, stopServices } from './service.ts';
import { sharedServers } from './shared-servers.ts';

export type ServiceEnvironment = SettingsEnvironment & Record<string, string | undefined>;

export interface World {
  /** Settings that make a replica of this world; its objects are on disk. */
  environment: ServiceEnvironment;
  /** The same, with objects in a bucket of its own. Throws when there is no S3 server: guard with `describeS3`. */
  s3Environment(): Promise<ServiceEnvironment>;
  /** URL of the world's database with the superuser's credential. */
  superuserUrl: string;
  adminKey: string;
  start(overrides?: ServiceEnvironment): Promise<ServiceProcess>;
}

/** Call in beforeAll. Everything it started ends in afterAll through `endWorld`. */
export async function createWorld(): Promise<World> {
  const servers = sharedServers();
  const name = await createDatabase(servers.postgres.url);
  const superuser = new URL(servers.postgres.url);
  superuser.pathname = `/${name}`;
  const database = {
    DATABASE_URL: databaseUrl(servers.postgres.url, name),
    DATABASE_TLS: 'disable',
    DATABASE_CREDENTIALS: JSON.stringify(users.appA),
  };
  const common = {
    ...database,
    DATABASE_POOL_SIZE: '5',
    REDIS_URL: servers.redis.url,
    REDIS_TIMEOUT_MS: '2000', // a pause of the machine is no fault of Redis
    REDIS_PREFIX: `t${randomBytes(6).toString('hex')}`,
    LONGEST_REQUEST_SECONDS: '35',
    DRAIN_SETTLE_SECONDS: '1',
    RATE_LIMIT_ADDRESS_PER_MINUTE: '1000000',
    RATE_LIMIT_KEY_PER_MINUTE: '1000000',
  };
  const objects = mkdtempSync(join(servers.dir, 'objects-'));
  chmodSync(objects, 0o777); // the image's user is another one
  const environment = { ...common, OBJECTS_DIR: objects };
  return {
    environment,
    async s3Environment() {
      if (!servers.s3) throw new Error('there is no S3 server');
      return {
        ...common,
        S3_BUCKET: await createBucket(servers.s3),
        S3_ENDPOINT: servers.s3.endpoint,
        AWS_ACCESS_KEY_ID: servers.s3.accessKey,
        AWS_SECRET_ACCESS_KEY: servers.s3.secretKey,
      };
    },
    superuserUrl: superuser.href,
    // Files start together, and a machine that is busy with that takes its time to connect.
    adminKey: await runCommand(['admin-key'], { ...database, DATABASE_CONNECT_TIMEOUT_MS: '30000' }),
    start: (overrides = {}) => startService({ ...environment, ...overrides }),
  };
}

export const endWorld = stopServices;

/** describe, when an S3 server could be had; else its tests count as skipped. */
export const describeS3: jest.Describe = sharedServers().s3 ? describe : describe.skip;
