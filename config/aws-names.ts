// Names of what lives in AWS, by which manifests and infrastructure find each other. Only buckets carry the account id.
import type { Environment } from './environment.ts';

export const prefix = ({ service, name }: Environment) => `${service.name}-${name}`;

/** The EKS cluster. */
export const clusterName = (environment: Environment) => prefix(environment);
export const webAclName = (environment: Environment) => prefix(environment);
export const loadBalancerName = (environment: Environment) => prefix(environment);
export const loadBalancerGroupName = (environment: Environment) => `${prefix(environment)}-load-balancer`;
export const filesBucket = (environment: Environment) => `${prefix(environment)}-files-${environment.accountId}`;
export const logsBucket = (environment: Environment) => `${prefix(environment)}-logs-${environment.accountId}`;
/** Where the load balancer's logs go in it. */
export const loadBalancerLogsPrefix = 'load-balancer';
/** Builds, reports and templates. */
export const artifactsBucket = (environment: Environment) =>
  `${prefix(environment)}-artifacts-${environment.accountId}`;
/** Identifier of the database server; its replica's ends in -reader. */
export const databaseServerName = (environment: Environment) => prefix(environment);
export const cacheName = (environment: Environment) => prefix(environment);
export const stackName = (environment: Environment, stack: string) => `${prefix(environment)}-${stack}`;
/** Of all environments of an account and region. */
export const registryStackName = ({ service }: Pick<Environment, 'service'>) => `${service.name}-registry`;
/** How urgent an alert or alarm is: `page` wakes somebody, `ticket` waits for the morning. */
export const severities = ['page', 'ticket'] as const;
export type Severity = (typeof severities)[number];
/** A topic for each: a pager subscribes to one, a ticket system to the other. */
export const alarmTopicName = (environment: Environment, severity: Severity) => `${prefix(environment)}-${severity}`;
export const alarmTopicArn = (environment: Environment, severity: Severity) =>
  `arn:aws:sns:${environment.region}:${environment.accountId}:${alarmTopicName(environment, severity)}`;
/** WAF writes only to groups whose name starts so. */
export const webAclLogGroup = (environment: Environment) => `aws-waf-logs-${prefix(environment)}`;
/** Log groups that EKS and Container Insights write to. */
export const clusterLogGroups = (environment: Environment) => {
  const cluster = clusterName(environment);
  return {
    'control-plane-log': `/aws/eks/${cluster}/cluster`,
    'application-log': `/aws/containerinsights/${cluster}/application`,
    'dataplane-log': `/aws/containerinsights/${cluster}/dataplane`,
    'host-log': `/aws/containerinsights/${cluster}/host`,
    'performance-log': `/aws/containerinsights/${cluster}/performance`,
  };
};
/** Parameter of Systems Manager that holds the id of a hosted zone made here. */
export const zoneParameter = ({ service, name }: Environment) => `/${service.name}/${name}/zone-id`;
/** The same of the ARN of a certificate made here. */
export const certificateParameter = ({ service, name }: Environment) => `/${service.name}/${name}/certificate-arn`;
/** Repository of the service's image, without tag. */
export const imageRepository = ({ accountId, region, service }: Environment) =>
  `${accountId}.dkr.ecr.${region}.amazonaws.com/${service.name}`;

/** What the names of the environment's entries of Secrets Manager start with. */
export const secretPrefix = ({ service, name }: Environment) => `${service.name}/${name}`;

/** Entries of Secrets Manager. Each is a JSON object; the members are named where they are used. */
export const secretNames = (environment: Environment) => {
  const base = secretPrefix(environment);
  return {
    /** {"writer", "reader", "redis"}, each host:port */
    endpoints: `${base}/endpoints`,
    /** {"username", "password"} of the master user */
    databaseMaster: `${base}/database/master`,
    /** {"username", "password"} of the user whose turn it is */
    databaseApp: `${base}/database/app`,
    /** {"username", "password"} of the two that take turns */
    databaseAppA: `${base}/database/app-a`,
    databaseAppB: `${base}/database/app-b`,
    /** {"username", "password"} */
    databaseMigrator: `${base}/database/migrator`,
    /** {"username", "password"} */
    redis: `${base}/redis`,
  };
};
