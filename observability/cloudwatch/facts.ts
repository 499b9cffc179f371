// What CloudWatch has to know of an environment, taken from config/ once: names, sizes and limits.
import {
  cacheName,
  clusterLogGroups,
  clusterName,
  databaseServerName,
  loadBalancerName,
  prefix,
} from '../../config/aws-names.ts';
import type { AwsValues } from '../../config/aws-schema.ts';
import type { Environment } from '../../config/environment.ts';
import { databaseMemoryMiB } from '../../config/instance-types.ts';
import { proxyResources } from '../../config/proxy.ts';

const mebibyte = 1024 ** 2;
const gibibyte = 1024 ** 3;

export interface Facts {
  /** Name of the environment, and start of every name in AWS. */
  environment: string;
  prefix: string;
  region: string;
  accountId: string;
  cluster: string;
  /** Namespace in Kubernetes. */
  namespace: string;
  /** Also the name of its Deployment, Service and container. */
  service: string;
  /** Of the metrics that are made of the service's log. */
  ownNamespace: string;
  /** Where its log is. */
  logGroup: string;
  replicas: { least: number; most: number; scales: boolean };
  /** Of a pod, with Nginx where there is one. */
  pod: { cores: number; memoryBytes: number };
  loadBalancer: string;
  database: {
    writer: string;
    reader: string | undefined;
    maxConnections: number;
    memoryBytes: number;
    storageBytes: number;
  };
  /** Nodes of Redis: each may be the primary. */
  cacheNodes: readonly string[];
  /** Connections to Redis at the most that the service is meant to have. */
  cacheConnections: number;
  /** Of the certificate that the stacks make; none without domain and zone. */
  certificateArn: string | undefined;
}

/** Each replica has one for commands, one to listen; a rolling update doubles them. */
const redisConnectionsPerReplica = 2;

/** @param certificateArn of the certificate that the stacks make, if they make one */
export function factsOf(environment: Environment & { aws: AwsValues }, certificateArn?: string): Facts {
  const { aws, pod, proxy, scaling, derived } = environment;
  const beside = proxy ? proxyResources : { cpuRequestMillis: 0, memoryMiB: 0 };
  const server = databaseServerName(environment);
  const cache = cacheName(environment);
  return {
    environment: environment.name,
    prefix: prefix(environment),
    region: environment.region,
    accountId: environment.accountId,
    cluster: clusterName(environment),
    namespace: environment.namespace,
    service: environment.service.name,
    ownNamespace: `${environment.service.name}/${environment.name}`,
    logGroup: clusterLogGroups(environment)['application-log'],
    replicas: { least: scaling.minReplicas, most: scaling.maxReplicas, scales: scaling.profile !== 'none' },
    pod: {
      cores: (pod.cpuRequestMillis + beside.cpuRequestMillis) / 1000,
      memoryBytes: (pod.memoryMiB + beside.memoryMiB) * mebibyte,
    },
    loadBalancer: loadBalancerName(environment),
    database: {
      writer: server,
      reader: environment.database.reader ? `${server}-reader` : undefined,
      maxConnections: environment.database.maxConnections,
      memoryBytes: databaseMemoryMiB(aws.database.instanceType) * mebibyte,
      storageBytes: aws.database.storageGiB * gibibyte,
    },
    // ElastiCache numbers the nodes of a replication group from 001 on; a failover changes their roles, not their names.
    cacheNodes: Array.from(
      { length: aws.cache.replicas + 1 },
      (_, index) => `${cache}-${String(index + 1).padStart(3, '0')}`,
    ),
    cacheConnections: derived.podsAtMost * redisConnectionsPerReplica,
    certificateArn,
  };
}
