// What the service is told in each environment, in its own words: a setting that it does not know fails to compile.
import type { SettingsEnvironment } from '../service/settings.ts';
import { filesBucket, prefix } from './aws-names.ts';
import type { Environment } from './environment.ts';

/** Settings that are no secret. Endpoints and credentials come as files: see secrets.ts. */
export function serviceSettings(environment: Environment): SettingsEnvironment {
  const { derived, service, loadBalancer, database, longestRequestSeconds, network, region, tracing } = environment;
  return {
    PORT: String(service.httpPort),
    METRICS_PORT: String(service.metricsPort),
    LOG_LEVEL: 'info',
    TRUSTED_PROXY_HOPS: String(derived.trustedProxyHops),
    LONGEST_REQUEST_SECONDS: String(longestRequestSeconds),
    LOAD_BALANCER_IDLE_SECONDS: String(loadBalancer.idleSeconds),
    DATABASE_POOL_SIZE: String(database.poolSize),
    ...(network === undefined
      ? {
          DATABASE_TLS: 'disable',
          S3_BUCKET: 'files',
          S3_ENDPOINT: 'http://s3:7070',
          // A laptop sends all its load from one address.
          RATE_LIMIT_ADDRESS_PER_MINUTE: '1000000',
          RATE_LIMIT_KEY_PER_MINUTE: '1000000',
        }
      : { DATABASE_CA_FILE: '/app/rds-ca.pem', S3_BUCKET: filesBucket(environment) }),
    S3_REGION: region,
    ...(tracing === undefined ? {} : { OTLP_ENDPOINT: tracing.endpoint, OTEL_SERVICE_NAME: prefix(environment) }),
  };
}
