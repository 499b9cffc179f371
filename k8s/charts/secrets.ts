// Secrets, and which of their entries each consumer gets as files.
import type { Construct } from 'constructs';
import { secretNames } from '../../config/aws-names.ts';
import { databaseName } from '../../config/database-names.ts';
import type { Environment } from '../../config/environment.ts';
import type { SecretFiles } from '../constructs/pod.ts';
import { FetchedSecret, SecretSource, ThrowawaySecret } from '../constructs/secrets.ts';
import { throwaway, throwawaySecret } from './local-credentials.ts';
import { type ChartInput, parts } from './parts.ts';

type Consumer = 'web' | 'migrate' | 'bootstrap';

/** The names of the files, which are the service's own settings. */
const files = {
  web: ['DATABASE_URL', 'DATABASE_CREDENTIALS', 'REDIS_URL', 'REDIS_CREDENTIALS'],
  migrate: ['DATABASE_URL', 'DATABASE_CREDENTIALS'],
  bootstrap: ['DATABASE_MASTER_URL', 'MIGRATOR_CREDENTIALS', 'APP_A_CREDENTIALS', 'APP_B_CREDENTIALS'],
} as const;

/** What the pods of a consumer mount. */
export function secretFiles(environment: Environment, consumer: Consumer): SecretFiles {
  if (environment.network === undefined) return throwaway(consumer);
  const names = [
    ...files[consumer],
    ...(consumer === 'web' && environment.database.reader ? ['DATABASE_READER_URL'] : []),
  ];
  return {
    secretName: fetchedName(environment, consumer),
    items: Object.fromEntries(names.map((name) => [name, name])),
  };
}

const fetchedName = ({ service }: Environment, consumer: Consumer) =>
  consumer === 'web' ? service.name : `${service.name}-${consumer}`;

export function secrets(scope: Construct, { environment }: ChartInput): void {
  const { namespace, region, service, database } = environment;
  const { web, migrate, bootstrap } = parts(environment);
  if (environment.network === undefined) {
    new ThrowawaySecret(scope, 'throwaway', { namespace, identity: web, ...throwawaySecret });
    return;
  }
  const names = secretNames(environment);
  const { sourceName } = new SecretSource(scope, 'source', { namespace, identity: web, region });
  const common = { namespace, sourceName };
  const url = (endpoint: string) => `postgres://{{ .endpoints_${endpoint} }}/${databaseName(service)}`;
  new FetchedSecret(scope, 'web', {
    ...common,
    identity: web,
    name: fetchedName(environment, 'web'),
    entries: { endpoints: names.endpoints, app: names.databaseApp, redis: names.redis },
    texts: {
      DATABASE_URL: url('writer'),
      ...(database.reader ? { DATABASE_READER_URL: url('reader') } : {}),
      DATABASE_CREDENTIALS: credentials('app'),
      REDIS_URL: 'rediss://{{ .endpoints_redis }}',
      REDIS_CREDENTIALS: credentials('redis'),
    },
  });
  new FetchedSecret(scope, 'migrate', {
    ...common,
    identity: migrate,
    name: fetchedName(environment, 'migrate'),
    entries: { endpoints: names.endpoints, migrator: names.databaseMigrator },
    texts: { DATABASE_URL: url('writer'), DATABASE_CREDENTIALS: credentials('migrator') },
  });
  new FetchedSecret(scope, 'bootstrap', {
    ...common,
    identity: bootstrap,
    name: fetchedName(environment, 'bootstrap'),
    entries: {
      endpoints: names.endpoints,
      master: names.databaseMaster,
      migrator: names.databaseMigrator,
      app_a: names.databaseAppA,
      app_b: names.databaseAppB,
    },
    texts: {
      DATABASE_MASTER_URL:
        'postgres://{{ .master_username | urlquery }}:{{ .master_password | urlquery }}@{{ .endpoints_writer }}/postgres',
      MIGRATOR_CREDENTIALS: credentials('migrator'),
      APP_A_CREDENTIALS: credentials('app_a'),
      APP_B_CREDENTIALS: credentials('app_b'),
    },
  });
}

/** The JSON that the service reads, whatever characters a password has. */
const credentials = (entry: string) =>
  `{"username":{{ .${entry}_username | toJson }},"password":{{ .${entry}_password | toJson }}}`;
