import { awsContradictions } from '../../config/aws-contradictions.ts';
import { contradictions, rules } from '../../config/contradictions.ts';
import { type DerivedEnvironment, derive } from '../../config/derive.ts';
import { ConfigError, defineEnvironment, valuesOf } from '../../config/environment.ts';
import { environmentNamed, environments } from '../../config/environments.ts';
import { type EnvironmentInput, environmentSchema } from '../../config/schema.ts';
import { changed } from './support.ts';

const values = (name: string) => valuesOf(environmentNamed(name));

/** An environment with some values changed, worked out but not judged. */
function withChanges(name: string, changes: Record<string, unknown>): DerivedEnvironment {
  const input = Object.entries(changes).reduce<EnvironmentInput>(
    (before, [path, value]) => changed(before, path, value),
    values(name),
  );
  return derive(environmentSchema.parse(input));
}

/** production, with a derived number that a rule got wrong. */
const derivedWrong = (derived: Partial<DerivedEnvironment['derived']>): DerivedEnvironment => {
  const right = environmentNamed('production');
  return { ...right, derived: { ...right.derived, ...derived } };
};

/** production with a private endpoint that these reach. */
const withPrivateEndpoint = (...ranges: string[]) =>
  withChanges('production', { 'aws.cluster.endpoint': 'private', 'aws.cluster.allowedCidrs': ranges });

const administrators = ['arn:aws:iam::444455556666:user/break-glass', 'arn:aws:iam::444455556666:role/a'];
const adapterless = ['metrics-server', 'prometheus-operator', 'external-secrets', 'aws-load-balancer-controller'];

/** What is wrong, the environment, and how it is told: both values and the rule. */
const examples: [rule: string, environment: DerivedEnvironment, told: string][] = [
  [
    'the least replicas are not more than the most',
    withChanges('production', { 'scaling.minReplicas': 11 }),
    'scaling.minReplicas 11 is more than scaling.maxReplicas 10',
  ],
  [
    'there are two replicas or more',
    withChanges('production', { 'scaling.minReplicas': 1 }),
    "scaling.minReplicas 1 is less than 2 (profile responsive): with a single replica a node's end is an outage",
  ],
  [
    'without scaling the number of replicas is one number',
    withChanges('production', { 'scaling.profile': 'none' }),
    'scaling.maxReplicas 10 differs from scaling.minReplicas 2, but scaling.profile none keeps the number',
  ],
  [
    'without scaling there is no metric',
    withChanges('production', { 'scaling.profile': 'none', 'scaling.maxReplicas': 2, 'scaling.memoryPercent': 80 }),
    'scaling.profile none never scales, but scaling.memoryPercent 80 is set',
  ],
  [
    'without scaling there is no rate',
    withChanges('production', {
      'scaling.profile': 'none',
      'scaling.maxReplicas': 2,
      'scaling.requestsPerSecond': 50,
      prerequisites: [...adapterless, 'prometheus-adapter'],
    }),
    'scaling.profile none never scales, but scaling.requestsPerSecond 50 is set',
  ],
  [
    'without scaling there is no way in',
    withChanges('production', { 'scaling.profile': 'none', 'scaling.maxReplicas': 2, 'scaling.scaleIn': 'cost' }),
    'scaling.profile none never scales, but scaling.scaleIn cost is set',
  ],
  [
    'CPU is measured by somebody',
    withChanges('local', { prerequisites: ['prometheus-operator'] }),
    'scaling.profile responsive measures CPU, which metrics-server serves, and prerequisites lists [prometheus-operator] without it',
  ],
  [
    'the rate of requests is measured by somebody',
    withChanges('production', { 'scaling.requestsPerSecond': 50 }),
    `scaling.requestsPerSecond 50 is a metric of prometheus-adapter, and prerequisites lists [${adapterless.join(', ')}] without it: an HPA with a metric that nobody serves does not scale in`,
  ],
  [
    'the cluster knows the kinds of the manifests',
    withChanges('production', { prerequisites: ['metrics-server'] }),
    'prerequisites lists [metrics-server], but the manifests need prometheus-operator and external-secrets and aws-load-balancer-controller',
  ],
  [
    'all pods together leave the database some connections',
    withChanges('production', { 'database.poolSize': 33 }),
    'database.poolSize 33 × (scaling.maxReplicas 10 + rollout.surge 2) = 396 connections is more than database.maxConnections 400 − database.reservedConnections 15 = 385',
  ],
  [
    'the limit of CPU is not below the request',
    withChanges('production', { 'pod.cpuLimitMillis': 500 }),
    'pod.cpuLimitMillis 500 is less than pod.cpuRequestMillis 1000',
  ],
  [
    'a pod asks for no more CPU than one process can use',
    withChanges('production', { 'pod.cpuRequestMillis': 1001 }),
    'pod.cpuRequestMillis 1001 is more than the 1000 that one process uses: one process per pod, more pods instead of bigger ones',
  ],
  [
    'a pod fits the smallest node',
    withChanges('production', { 'pod.memoryMiB': 8000 }),
    'pod.cpuRequestMillis 1000 and pod.memoryMiB 8000 and pod.ephemeralStorageMiB 512 do not fit a node of m7i.large, m6i.large, which has 1580 m and 6403 MiB and 45056 MiB of aws.cluster.nodeDiskGiB 50 for pods',
  ],
  [
    'a pod fits the disk of a node',
    withChanges('production', { 'pod.ephemeralStorageMiB': 45_057 }),
    'pod.cpuRequestMillis 1000 and pod.memoryMiB 512 and pod.ephemeralStorageMiB 45057 do not fit a node of m7i.large, m6i.large, which has 1580 m and 6403 MiB and 45056 MiB of aws.cluster.nodeDiskGiB 50 for pods',
  ],
  [
    'a pod with Nginx fits the disk of a node',
    withChanges('production', { proxy: true, 'pod.ephemeralStorageMiB': 44_993 }),
    "pod.cpuRequestMillis 1000 and pod.memoryMiB 512 and pod.ephemeralStorageMiB 44993 and Nginx's 50 m and 64 MiB and 64 MiB of disk (proxy true) do not fit a node of m7i.large, m6i.large, which has 1580 m and 6403 MiB and 45056 MiB of aws.cluster.nodeDiskGiB 50 for pods",
  ],
  [
    'a pod with Nginx fits the smallest node',
    withChanges('local', { proxy: true, 'pod.memoryMiB': 1700 }),
    "pod.cpuRequestMillis 100 and pod.memoryMiB 1700 and Nginx's 50 m and 64 MiB (proxy true) do not fit a node of kind, which has 1580 m and 1723 MiB for pods",
  ],
  [
    'all pods fit all nodes',
    withChanges('production', { 'nodes.maxCount': 11 }),
    'scaling.maxReplicas + rollout.surge = 12 pods is more than nodes.maxCount 11 × 1 pods per node = 11',
  ],
  [
    'there are not more nodes than there may be',
    withChanges('production', { 'nodes.count': 13 }),
    'nodes.count 13 is more than nodes.maxCount 12',
  ],
  [
    'the service keeps connections longer than the load balancer',
    derivedWrong({ keepAliveSeconds: 60 }),
    'keepAliveSeconds 60 is not above loadBalancer.idleSeconds 60: the service would close connections that the load balancer is about to use',
  ],
  [
    'the grace covers preStop and the longest request',
    derivedWrong({ terminationGraceSeconds: 315 }),
    'terminationGraceSeconds 315 is not above loadBalancer.preStopSeconds 15 + longestRequestSeconds 300: the kubelet would kill a request in flight',
  ],
  [
    'the load balancer waits for the longest request',
    derivedWrong({ deregistrationDelaySeconds: 299 }),
    'deregistrationDelaySeconds 299 is less than longestRequestSeconds 300: the load balancer would cut a request in flight',
  ],
  [
    'a check has ended before the next begins',
    withChanges('production', { 'loadBalancer.healthCheck.timeoutSeconds': 30 }),
    'healthCheck.timeoutSeconds 30 is not below healthCheck.intervalSeconds 30, which the load balancer demands',
  ],
  [
    'API and metrics have a port each',
    withChanges('production', { 'service.metricsPort': 3000 }),
    'service.httpPort 3000 is service.metricsPort 3000',
  ],
  [
    'Nginx and the API have a port each',
    withChanges('production', { proxy: true, 'service.httpPort': 8080 }),
    'service.httpPort 8080 is 8080, where Nginx of the same pod listens (proxy true)',
  ],
  [
    'Nginx and the metrics have a port each',
    withChanges('production', { proxy: true, 'service.metricsPort': 8080 }),
    'service.metricsPort 8080 is 8080, where Nginx of the same pod listens (proxy true)',
  ],
  ...['postgres', 'redis', 's3', 'redis-ui'].map((name): [string, DerivedEnvironment, string] => [
    `the service is not called ${name}`,
    withChanges('production', { 'service.name': name }),
    `service.name ${name} is the name of what runs beside it on a laptop: postgres, redis, s3, redis-ui`,
  ]),
  [
    'subnets are in the VPC',
    withChanges('production', { 'network.databaseCidrs': ['10.0.21.0/24', '10.1.22.0/24'] }),
    'network.databaseCidrs 10.1.22.0/24 is outside network.vpcCidr 10.0.0.0/16',
  ],
  [
    'a subnet is no larger than the VPC',
    withChanges('production', { 'network.privateCidrs': ['10.0.0.0/15', '10.0.12.0/24'] }),
    'network.privateCidrs 10.0.0.0/15 is outside network.vpcCidr 10.0.0.0/16',
  ],
  [
    'subnets have no address in common',
    withChanges('production', { 'network.databaseCidrs': ['10.0.11.128/25', '10.0.22.0/24'] }),
    'network.privateCidrs 10.0.11.0/24 overlaps network.databaseCidrs 10.0.11.128/25',
  ],
  [
    'subnets of a kind have none, either',
    withChanges('production', { 'network.privateCidrs': ['10.0.11.0/24', '10.0.11.0/24'] }),
    'network.privateCidrs 10.0.11.0/24 overlaps network.privateCidrs 10.0.11.0/24',
  ],
  [
    'the load balancer is in the public subnets',
    withChanges('production', { 'loadBalancer.cidrs': ['10.0.1.0/24', '10.0.3.0/24'] }),
    'loadBalancer.cidrs 10.0.3.0/24 is outside network.publicCidrs 10.0.1.0/24, 10.0.2.0/24, which the load balancer sends from',
  ],
  [
    'what is left out was in',
    withChanges('production', { 'loadBalancer.exceptCidrs': ['10.0.3.0/24'] }),
    'loadBalancer.exceptCidrs 10.0.3.0/24 is not a part of any of loadBalancer.cidrs 10.0.1.0/24, 10.0.2.0/24',
  ],
  [
    'what is left out leaves something',
    withChanges('production', { 'loadBalancer.exceptCidrs': ['10.0.2.0/24'] }),
    'loadBalancer.exceptCidrs 10.0.2.0/24 is not a part of any of loadBalancer.cidrs 10.0.1.0/24, 10.0.2.0/24',
  ],
  [
    'nodes have no open port in AWS',
    withChanges('production', { 'loadBalancer.nodePort': 30_080 }),
    'loadBalancer.nodePort 30080 opens a port on each node, but network.vpcCidr 10.0.0.0/16 has a load balancer, which talks to pods',
  ],
  [
    'a replica of the database is in AWS',
    withChanges('local', { 'database.reader': true }),
    'database.reader true needs a replica in AWS, but local has no network',
  ],
  [
    'access logs are in AWS',
    withChanges('local', { 'loadBalancer.accessLogs': true }),
    'loadBalancer.accessLogs true needs a log bucket and a web ACL in AWS, but local has no network for slipway',
  ],
  [
    'a web ACL is in AWS',
    withChanges('local', { 'loadBalancer.webAcl': true }),
    'loadBalancer.webAcl true needs a log bucket and a web ACL in AWS, but local has no network for slipway',
  ],
  [
    'an environment in AWS has network and sizes',
    withChanges('production', { aws: undefined }),
    'production has a network but no aws: an environment in AWS needs both',
  ],
  [
    'the class of the database has memory for its connections',
    withChanges('staging', { 'database.maxConnections': 451 }),
    'database.maxConnections 451 is more than the 450 that the memory of aws.database.instanceType t4g.medium is good for',
  ],
  [
    'storage grows by a tenth or more',
    withChanges('production', { 'aws.database.storageAtMostGiB': 109 }),
    'aws.database.storageAtMostGiB 109 is less than 110 GiB, a tenth more than aws.database.storageGiB 100: RDS lets storage grow by no less',
  ],
  [
    'a tenth of what is no multiple of ten is not rounded off',
    withChanges('production', { 'aws.database.storageGiB': 101, 'aws.database.storageAtMostGiB': 111 }),
    'aws.database.storageAtMostGiB 111 is less than 112 GiB, a tenth more than aws.database.storageGiB 101: RDS lets storage grow by no less',
  ],
  [
    'logs are kept for one of the times that there are',
    withChanges('production', { 'aws.logDays': 42 }),
    'aws.logDays 42 is not what CloudWatch offers: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731',
  ],
  [
    'zones are in the region',
    withChanges('production', { region: 'eu-west-1' }),
    'aws.zones us-east-1a is not in the region eu-west-1',
  ],
  [
    'there are two zones',
    withChanges('production', { 'aws.zones': ['us-east-1a', 'us-east-1a'] }),
    'aws.zones names us-east-1a twice',
  ],
  [
    'a zone has a domain',
    withChanges('production', { 'aws.zone': { name: 'example.org' } }),
    'aws.zone example.org is there for loadBalancer.domain, which is missing',
  ],
  [
    'the domain is in its zone',
    withChanges('production', { 'aws.zone': { name: 'example.com' }, 'loadBalancer.domain': 'api.example.org' }),
    'loadBalancer.domain api.example.org is not in aws.zone example.com',
  ],
  [
    'the load balancer can be named',
    withChanges('production', { 'service.name': 'name-of-20-character', name: 'productions1' }),
    'service.name name-of-20-character and name productions1 are more than 31 characters together: the name of a load balancer has 32 at most, and is name-of-20-character-productions1',
  ],
  ...[
    '10.1.0.0/16',
    '192.168.7.0/24',
    '100.64.0.0/24',
    '127.0.0.1/32',
    '169.254.0.0/16',
    '240.0.0.0/8',
    '0.0.0.0/8',
  ].map((range): [string, DerivedEnvironment, string] => [
    `a public endpoint is not open to ${range}`,
    withChanges('production', { 'aws.cluster.allowedCidrs': ['198.51.100.0/24', range] }),
    `aws.cluster.allowedCidrs ${range} is not of the internet, and aws.cluster.endpoint is public: EKS refuses it`,
  ]),
  [
    'a private endpoint is not reached over the internet',
    withPrivateEndpoint('10.20.0.0/16', '203.0.113.0/24'),
    'aws.cluster.allowedCidrs 203.0.113.0/24 is not private, but aws.cluster.endpoint private is reached by VPN or peering only',
  ],
  ...['10.0.0.0/8', '10.0.0.0/16', '10.0.1.0/24', '10.0.21.0/28', '10.0.10.0/23'].map(
    (range): [string, DerivedEnvironment, string] => [
      `a private endpoint is not reached from ${range}, to which no route leads`,
      withPrivateEndpoint(range),
      `aws.cluster.allowedCidrs ${range} must be in network.privateCidrs 10.0.11.0/24, 10.0.12.0/24 or outside network.vpcCidr 10.0.0.0/16: no route leads elsewhere`,
    ],
  ),
  [
    'an access list has room for all ranges',
    withPrivateEndpoint(...Array.from({ length: 10 }, (_, index) => `10.20.${index}.0/24`)),
    'aws.cluster.allowedCidrs has 10 ranges, but with aws.cluster.endpoint private the access list of a subnet has room for 9',
  ],
  [
    'the service does not run on Fargate',
    withChanges('production', { 'aws.cluster.fargateNamespaces': ['batch', 'slipway'] }),
    'aws.cluster.fargateNamespaces slipway is the namespace of the service: on Fargate no rule spreads its pods over zones, no NetworkPolicy holds, and its access log does not reach the alarms',
  ],
  ...['kube-system', 'amazon-cloudwatch', 'metrics'].map((other): [string, DerivedEnvironment, string] => [
    `what others run in ${other} does not run on Fargate`,
    withChanges('production', { 'aws.cluster.fargateNamespaces': [other], monitoringNamespace: 'metrics' }),
    `aws.cluster.fargateNamespaces ${other} is one of default, kube-system, kube-public, kube-node-lease, external-secrets, amazon-cloudwatch, metrics, which others make and run on nodes`,
  ]),
  [
    'a namespace on Fargate is made once',
    withChanges('production', { 'aws.cluster.fargateNamespaces': ['batch', 'batch'] }),
    'aws.cluster.fargateNamespaces names batch twice',
  ],
  [
    'no administrator is named twice',
    withChanges('production', { 'aws.cluster.adminRoleArns': [...administrators, ...administrators] }),
    'aws.cluster.adminRoleArns names arn:aws:iam::444455556666:user/break-glass twice',
  ],
];

describe('values that contradict one another', () => {
  it.each(examples.map(([rule, environment, told]) => ({ rule, environment, told })))(
    '$rule, or both values are named: $told',
    ({ environment, told }) => {
      expect(contradictions(environment)).toEqual([told]);
    },
  );

  it('have an example for every rule', () => {
    const unseen = [...rules, ...awsContradictions].filter((rule) =>
      examples.every(([, environment]) => rule(environment) === undefined),
    );
    expect(unseen.map(String)).toEqual([]);
  });

  it('are in none of the environments', () => {
    expect(environments.flatMap((each) => contradictions(each))).toEqual([]);
  });

  it('fail when the environment is loaded, and say which environment', () => {
    const wrong = () => defineEnvironment(changed(values('staging'), 'database.poolSize', 100));
    expect(wrong).toThrow(ConfigError);
    expect(wrong).toThrow(/^The environment staging is contradictory or incomplete:\n {2}database\.poolSize 100 × /);
  });

  it.each([
    ['a network beside it', ['10.20.0.0/16', '192.168.7.0/24']],
    ['a private subnet', ['10.0.12.128/25']],
    ['as many as there is room for', Array.from({ length: 9 }, (_, index) => `10.20.${index}.0/24`)],
  ])('a private endpoint may be reached from %s', (_, ranges) => {
    expect(contradictions(withPrivateEndpoint(...ranges))).toEqual([]);
  });

  it.each([
    ['database.poolSize', 32],
    ['nodes.count', 12],
    ['pod.cpuLimitMillis', 1000],
    ['pod.ephemeralStorageMiB', 45_056],
    ['loadBalancer.healthCheck.timeoutSeconds', 29],
    ['service.httpPort', 8080],
    ['network.databaseCidrs', ['10.0.64.0/18', '10.0.128.0/17']],
    ['network.databaseCidrs', ['10.0.21.0/28', '10.0.21.16/28']],
    ['aws.database.storageAtMostGiB', 110],
    ['service.name', 'name-of-20-character'],
    ['loadBalancer.cidrs', ['10.0.2.128/25']],
    ['loadBalancer.exceptCidrs', ['10.0.2.128/25']],
    ['aws.cluster.fargateNamespaces', ['batch', 'reports', 'slipway-batch', 'a', 'b']],
  ])('%s %j is just right', (path, value) => {
    expect(contradictions(withChanges('production', { [path]: value }))).toEqual([]);
  });
});
