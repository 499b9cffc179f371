// PostgreSQL, Redis and an S3 server in the cluster, where there is no AWS to provide them.
import type { Construct } from 'constructs';
import { thirdPartyImage } from '../../config/images.ts';
import { DataStore } from '../constructs/data-store.ts';
import { throwaway, throwawaySecret } from './local-credentials.ts';
import { type ChartInput, parts, storePorts } from './parts.ts';

/** User of the images postgres and redis. */
const debianUser = 999;
const objectsUser = 10_002;
const small = { cpuRequestMillis: 50, memoryMiB: 256, ephemeralStorageMiB: 128 };

export function data(scope: Construct, { environment, images }: ChartInput): void {
  const { namespace, database } = environment;
  const { postgres, redis, s3 } = parts(environment);
  new DataStore(scope, 'postgres', {
    namespace,
    identity: postgres,
    image: thirdPartyImage('postgres', images),
    args: ['-c', `max_connections=${database.maxConnections}`],
    port: storePorts.postgres,
    environment: { POSTGRES_PASSWORD_FILE: '/run/secrets/password', PGDATA: '/var/lib/postgresql/data/pgdata' },
    secret: throwaway('postgres'),
    dataPath: '/var/lib/postgresql/data',
    scratchPaths: ['/var/run/postgresql', '/tmp'],
    // Over TCP: while the data is being made the server answers on its socket only.
    readyCommand: ['pg_isready', '--host=127.0.0.1', '--username=postgres'],
    userId: debianUser,
    resources: small,
    diskMiB: 1024,
  });
  new DataStore(scope, 'redis', {
    namespace,
    identity: redis,
    image: thirdPartyImage('redis', images),
    args: ['redis-server', '--aclfile', '/run/secrets/users.acl', '--appendonly', 'yes', '--save', ''],
    port: storePorts.redis,
    secret: throwaway('redis'),
    dataPath: '/data',
    userId: debianUser,
    resources: small,
    diskMiB: 256,
  });
  new DataStore(scope, 's3', {
    namespace,
    identity: s3,
    image: thirdPartyImage('s3', images),
    args: ['--port', `:${storePorts.s3}`, 'posix', '/data'],
    port: storePorts.s3,
    secretVariables: {
      secretName: throwawaySecret.name,
      items: { ROOT_ACCESS_KEY: 's3-access-key', ROOT_SECRET_KEY: 's3-secret-key' },
    },
    // Each folder is a bucket.
    scratchPaths: ['/data'],
    subPaths: { '/data/files': 'files' },
    userId: objectsUser,
    resources: small,
    diskMiB: 1024,
  });
}
