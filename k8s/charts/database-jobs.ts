import type { Construct } from 'constructs';
import { databaseName } from '../../config/database-names.ts';
import type { Environment } from '../../config/environment.ts';
import { serviceImage } from '../../config/images.ts';
import type { SettingsEnvironment } from '../../service/settings.ts';
import { OneTimeJob } from '../constructs/jobs.ts';
import { type ChartInput, parts, versionOf } from './parts.ts';
import { secretFiles } from './secrets.ts';

const resources = { cpuRequestMillis: 50, memoryMiB: 256, ephemeralStorageMiB: 32 };

/**
 * For a server in the cluster that is applied with them, and for each other. The kubelet would begin them again only 10, then 20,
 * then 40 s later.
 */
const wait = { DATABASE_WAIT_SECONDS: '60' };

/** Makes database and users, then the schema, each with its own user. They wait for each other by trying again. */
export function databaseJobs(scope: Construct, input: ChartInput): void {
  const { environment, images } = input;
  const { bootstrap, migrate } = parts(environment, versionOf(input));
  const common = {
    namespace: environment.namespace,
    image: serviceImage(environment, images),
    resources,
    longestSeconds: environment.rollout.longestJobSeconds,
  };
  new OneTimeJob(scope, 'bootstrap', {
    ...common,
    identity: bootstrap,
    args: ['bootstrap'],
    settings: { ...tls(environment), ...wait, DATABASE_NAME: databaseName(environment.service) },
    secret: secretFiles(environment, 'bootstrap'),
  });
  new OneTimeJob(scope, 'migrate', {
    ...common,
    identity: migrate,
    args: ['migrate'],
    settings: { ...tls(environment), ...wait },
    secret: secretFiles(environment, 'migrate'),
  });
}

const tls = ({ network }: Environment): SettingsEnvironment =>
  network === undefined ? { DATABASE_TLS: 'disable' } : { DATABASE_CA_FILE: '/app/rds-ca.pem' };
