// Credentials of a cluster on a laptop: written down, since they guard nothing. No other environment has any in a manifest.
import { databaseName, databaseUsers } from '../../config/database-names.ts';
import { service } from '../../config/service.ts';
import type { SecretFiles } from '../constructs/pod.ts';

const login = (username: string, password: string) => ({ username, password });
const users = databaseUsers(service);
const migrator = login(users.migrator, 'throwaway-migrator');
const appA = login(users.appA, 'throwaway-app-a');
const appB = login(users.appB, 'throwaway-app-b');
const redis = login(service.name, 'throwaway-redis');
const s3 = { accessKey: 'throwaway', secretKey: 'throwaway-s3' };
const postgresPassword = 'throwaway-postgres';

const database = `postgres://postgres:5432/${databaseName(service)}`;

/** Nobody can log in as the default user, but it may do everything: Redis loads its append-only file as that user, and without rights drops what scripts wrote. */
const redisUsers = `user default off resetpass ~* &* +@all\nuser ${redis.username} on >${redis.password} ~* &* +@all\n`;

/** The Secret. */
export const throwawaySecret = {
  name: 'throwaway-credentials',
  texts: {
    'database-url': database,
    'database-master-url': `postgres://postgres:${postgresPassword}@postgres:5432/postgres`,
    'database-app-a': JSON.stringify(appA),
    'database-app-b': JSON.stringify(appB),
    'database-migrator': JSON.stringify(migrator),
    'postgres-password': postgresPassword,
    'redis-url': 'redis://redis:6379',
    'redis-credentials': JSON.stringify(redis),
    'redis-password': redis.password,
    'redis-users': redisUsers,
    's3-access-key': s3.accessKey,
    's3-secret-key': s3.secretKey,
    's3-credentials': `[default]\naws_access_key_id = ${s3.accessKey}\naws_secret_access_key = ${s3.secretKey}\n`,
  },
};

/** The one user of Redis. */
export const redisUser = redis.username;

/** Name of the file that the AWS SDK reads in place of a role. */
export const awsCredentialsFile = 'aws-credentials';

const items = {
  web: {
    DATABASE_URL: 'database-url',
    DATABASE_CREDENTIALS: 'database-app-a',
    REDIS_URL: 'redis-url',
    REDIS_CREDENTIALS: 'redis-credentials',
    [awsCredentialsFile]: 's3-credentials',
  },
  migrate: { DATABASE_URL: 'database-url', DATABASE_CREDENTIALS: 'database-migrator' },
  bootstrap: {
    DATABASE_MASTER_URL: 'database-master-url',
    MIGRATOR_CREDENTIALS: 'database-migrator',
    APP_A_CREDENTIALS: 'database-app-a',
    APP_B_CREDENTIALS: 'database-app-b',
  },
  postgres: { password: 'postgres-password' },
  redis: { 'users.acl': 'redis-users', 'credentials.json': 'redis-credentials' },
} satisfies Record<string, Record<string, string>>;

/** What a consumer mounts of the Secret. */
export const throwaway = (consumer: keyof typeof items): SecretFiles => ({
  secretName: throwawaySecret.name,
  items: items[consumer],
});
