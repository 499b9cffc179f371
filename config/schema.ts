// What an environment may say: units, limits and defaults. Numbers that follow from others are in derive.ts.
import * as z from 'zod';
import { awsSchema } from './aws-schema.ts';
import { bitsOf } from './cidr.ts';
import { name, resourceName, serviceName } from './name-schema.ts';
import { cidr, subnet, whole } from './schema-parts.ts';

/** What must be on a cluster before the manifests are applied; a deployment looks for each. */
export const prerequisites = [
  'metrics-server',
  'prometheus-operator',
  'external-secrets',
  'aws-load-balancer-controller',
  'prometheus-adapter',
] as const;
export type Prerequisite = (typeof prerequisites)[number];

/** How replicas follow the load; docs/kubernetes.md compares them. */
export const scalingProfiles = ['responsive', 'band-50-30', 'band-80-20', 'none'] as const;
export type ScalingProfile = (typeof scalingProfiles)[number];

const podSchema = z.strictObject({
  cpuRequestMillis: whole('thousandths of a CPU', 10, 64_000).describe(
    'CPU that is kept for a pod; scaling measures against it.',
  ),
  cpuLimitMillis: whole('thousandths of a CPU', 10, 64_000)
    .optional()
    .describe('CPU that a pod never exceeds; unset, it may use what the node has to spare.'),
  memoryMiB: whole('MiB', 64, 262_144).describe('Memory of a pod: request and limit.'),
  ephemeralStorageMiB: whole('MiB', 16, 102_400).describe('Disk of a pod, logs included: request and limit.'),
});

const scalingSchema = z.strictObject({
  profile: z.enum(scalingProfiles).describe('How replicas follow the load.'),
  minReplicas: whole('replicas', 1, 1000).describe('Replicas at rest.'),
  maxReplicas: whole('replicas', 1, 1000).describe('Most replicas under load.'),
  scaleIn: z
    .enum(['profile', 'cost'])
    .default('profile')
    .describe('How replicas are removed: as the profile says, or at once to save cost.'),
  windowPercent: whole('percent', 1, 100)
    .default(100)
    .describe('Length of all windows and periods of the profile against its own; below 100 for demonstrations.'),
  memoryPercent: whole('percent of the memory request', 10, 95).optional().describe('Also scale on memory.'),
  requestsPerSecond: whole('requests per second and replica', 1, 100_000)
    .optional()
    .describe('Also scale on the rate of requests; needs prometheus-adapter.'),
});

const loadBalancerSchema = z.strictObject({
  domain: z
    .string()
    .regex(/^([a-z0-9-]+\.)+[a-z]{2,}$/, 'must be a host name such as api.example.org')
    .optional()
    .describe('Host name; with it the load balancer speaks TLS and redirects plain HTTP.'),
  paths: z
    .array(z.string().regex(/^\/[\w./-]*$/, 'must be a path such as /files'))
    .min(1)
    .default(['/'])
    .describe('Path prefixes that go to the service; others are answered 404.'),
  idleSeconds: whole('seconds', 1, 4000).default(60).describe('Idle time-out of a connection.'),
  preStopSeconds: whole('seconds', 1, 120).describe(
    'Between the end of a pod being decided and SIGTERM; covers the time in which the load balancer hears of it.',
  ),
  healthCheck: z
    .strictObject({
      intervalSeconds: whole('seconds', 5, 300).default(30).describe('Between two checks of /health.'),
      timeoutSeconds: whole('seconds', 2, 120).default(5).describe('Longest wait for its answer.'),
      healthyThreshold: whole('checks', 2, 10).default(2).describe('Good checks before a pod gets requests.'),
      unhealthyThreshold: whole('checks', 2, 10).default(2).describe('Bad checks before it gets no more.'),
    })
    .prefault({}),
  cidrs: z.array(cidr).min(1).describe('Ranges that the load balancer sends from.'),
  exceptCidrs: z.array(cidr).default([]).describe('Ranges inside those that it does not send from.'),
  nodePort: whole('port numbers', 30_000, 32_767)
    .optional()
    .describe('Port on each node, where there is no load balancer.'),
  accessLogs: z.boolean().default(true).describe('Whether each request is logged to the log bucket.'),
  webAcl: z.boolean().default(true).describe('Whether the web ACL of the environment guards it.'),
  deletionProtection: z.boolean().default(false).describe('Whether it can only be deleted after this is switched off.'),
});

const databaseSchema = z.strictObject({
  maxConnections: whole('connections', 10, 5000).describe('max_connections of the server, and of its replica.'),
  reservedConnections: whole('connections', 3, 1000)
    .default(15)
    .describe('Kept for superuser, migrations, monitoring and a person with psql.'),
  poolSize: whole('connections', 1, 100).describe('Connections of one replica to the writer, and again to the reader.'),
  reader: z.boolean().default(false).describe('Whether there is a read replica.'),
});

const nodesSchema = z.strictObject({
  instanceTypes: z.array(z.string()).min(1).describe('Instance types; the smallest one counts.'),
  count: whole('nodes', 1, 500).describe('Nodes that are always there.'),
  maxCount: whole('nodes', 1, 500).describe('Most nodes.'),
  capacity: z
    .enum(['on-demand', 'spot'])
    .default('on-demand')
    .describe('What the base runs on; burst always runs on Spot.'),
});

const forNodes = 'AWS makes no smaller subnet';
const networkSchema = z.strictObject({
  vpcCidr: cidr.refine(
    (text) => bitsOf(text) >= 16 && bitsOf(text) <= 24,
    'must be a /16 to /24 that holds six subnets',
  ),
  publicCidrs: z.array(subnet(27, 'the load balancer needs 8 addresses free at any time')).length(2),
  privateCidrs: z.array(subnet(28, forNodes)).length(2),
  databaseCidrs: z.array(subnet(28, forNodes)).length(2),
});

const serviceSchema = z.strictObject({
  name: serviceName.describe('Name of the service: prefix of everything that belongs to it.'),
  httpPort: whole('port numbers', 1024, 65_535).default(3000),
  metricsPort: whole('port numbers', 1024, 65_535).default(9090),
});

const tracingSchema = z.strictObject({
  endpoint: z
    .string()
    .refine(
      (text) => URL.canParse(text) && /^http:\/\/[a-z0-9-]+\.[a-z0-9-]+(\.svc(\.cluster\.local)?)?:\d{1,5}$/.test(text),
      'must be a collector in the cluster: http://<service>.<namespace>:<port>, such as http://collector.observability:4318',
    )
    .describe('OTLP/HTTP receiver in the cluster; its pods listen on the same port as its Service.'),
});

/** An environment as it is written down. */
export const environmentSchema = z.strictObject({
  name: resourceName(12).describe('Name of the environment, and of its folder in charts-out.'),
  namespace: name(40).describe('Namespace of all objects.'),
  accountId: z.string().regex(/^\d{12}$/, 'must be 12 digits'),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, { error: 'must be an AWS region such as us-east-1', abort: true })
    .refine(
      (region) => !/^cn-|^us-gov-|-iso[a-z]*-/.test(region),
      'must be a region of the partition aws: those of China, GovCloud and the isolated ones have other ARNs and services, for which nothing is made here',
    ),
  service: serviceSchema,
  longestRequestSeconds: whole('seconds', 5, 3600).describe(
    'No request may take longer; drain, time-outs and grace follow from it.',
  ),
  pod: podSchema,
  scaling: scalingSchema,
  rollout: z
    .strictObject({
      surge: whole('pods', 1, 100).default(1).describe('Pods beyond the wanted number during a rollout.'),
      progressDeadlineSeconds: whole('seconds', 10, 3600)
        .default(600)
        .describe('A rollout without progress for so long has failed.'),
      longestJobSeconds: whole('seconds', 60, 86_400)
        .default(900)
        .describe('A bootstrap or migration of the database that takes longer has failed.'),
      evictAfterSeconds: whole('seconds', 5, 3600)
        .default(60)
        .describe('A pod on a node that does not answer is replaced after so long.'),
    })
    .prefault({}),
  loadBalancer: loadBalancerSchema,
  database: databaseSchema,
  nodes: nodesSchema,
  network: networkSchema.optional().describe('The VPC; without it the data stores run in the cluster.'),
  aws: awsSchema.optional().describe('Sizes and switches of the infrastructure; needs network.'),
  proxy: z.boolean().default(false).describe('Whether Nginx stands in each pod between load balancer and service.'),
  monitoringNamespace: name(40).default('monitoring').describe('Namespace that Prometheus scrapes from.'),
  tracing: tracingSchema.optional().describe('Where traces go; without it there are none.'),
  prerequisites: z.array(z.enum(prerequisites)).describe('What the cluster brings.'),
});

export type EnvironmentInput = z.input<typeof environmentSchema>;
export type EnvironmentValues = z.output<typeof environmentSchema>;
