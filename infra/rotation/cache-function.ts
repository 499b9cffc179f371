// The Lambda function that rotates the password of Redis.
import { ElastiCacheClient } from '@aws-sdk/client-elasticache';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { elastiCachePasswords } from './elasticache.ts';
import { required } from './environment.ts';
import { type RotationEvent, rotate } from './rotate.ts';
import { SecretVersions } from './secret-versions.ts';
import { twoPasswords } from './two-passwords.ts';

const versions = new SecretVersions(new SecretsManagerClient());
const rotation = twoPasswords({
  setPasswords: elastiCachePasswords(new ElastiCacheClient(), required('CACHE_USER_ID')),
  server: { host: required('CACHE_HOST'), port: Number(required('CACHE_PORT')), tls: true },
});

export const handler = (event: RotationEvent): Promise<void> => rotate(event, versions, rotation);
