import { leaves, valuesOf } from '../../config/environment.ts';
import { environmentNamed, environments } from '../../config/environments.ts';
import { everything, variants } from '../k8s/support/variants.ts';
import { changed, faultsOf } from './support.ts';

const production = valuesOf(environmentNamed('production'));

const cpu = 'thousandths of a CPU';
const replicas = 'replicas';
const ports = 'port numbers';

/** Each number of an environment: its least and greatest value, and its unit. */
const limits: [path: string, min: number, max: number, unit: string][] = [
  ['longestRequestSeconds', 5, 3600, 'seconds'],
  ['service.httpPort', 1024, 65_535, ports],
  ['service.metricsPort', 1024, 65_535, ports],
  ['pod.cpuRequestMillis', 10, 64_000, cpu],
  ['pod.cpuLimitMillis', 10, 64_000, cpu],
  ['pod.memoryMiB', 64, 262_144, 'MiB'],
  ['pod.ephemeralStorageMiB', 16, 102_400, 'MiB'],
  ['scaling.minReplicas', 1, 1000, replicas],
  ['scaling.maxReplicas', 1, 1000, replicas],
  ['scaling.windowPercent', 1, 100, 'percent'],
  ['scaling.memoryPercent', 10, 95, 'percent of the memory request'],
  ['scaling.requestsPerSecond', 1, 100_000, 'requests per second and replica'],
  ['rollout.surge', 1, 100, 'pods'],
  ['rollout.progressDeadlineSeconds', 10, 3600, 'seconds'],
  ['rollout.longestJobSeconds', 60, 86_400, 'seconds'],
  ['rollout.evictAfterSeconds', 5, 3600, 'seconds'],
  ['loadBalancer.idleSeconds', 1, 4000, 'seconds'],
  ['loadBalancer.preStopSeconds', 1, 120, 'seconds'],
  ['loadBalancer.healthCheck.intervalSeconds', 5, 300, 'seconds'],
  ['loadBalancer.healthCheck.timeoutSeconds', 2, 120, 'seconds'],
  ['loadBalancer.healthCheck.healthyThreshold', 2, 10, 'checks'],
  ['loadBalancer.healthCheck.unhealthyThreshold', 2, 10, 'checks'],
  ['loadBalancer.nodePort', 30_000, 32_767, ports],
  ['database.maxConnections', 10, 5000, 'connections'],
  ['database.reservedConnections', 3, 1000, 'connections'],
  ['database.poolSize', 1, 100, 'connections'],
  ['aws.natGateways', 1, 2, 'gateways'],
  ['aws.logDays', 1, 731, 'days'],
  ['aws.logBucketDays', 7, 3650, 'days'],
  ['aws.rotationDays', 1, 365, 'days'],
  ['aws.requestsPerFiveMinutes', 10, 2_000_000_000, 'requests'],
  ['aws.cluster.nodeDiskGiB', 20, 1024, 'GiB'],
  ['aws.database.storageGiB', 20, 65_536, 'GiB'],
  ['aws.database.storageAtMostGiB', 20, 65_536, 'GiB'],
  ['aws.database.backupDays', 1, 35, 'days'],
  ['aws.cache.replicas', 1, 5, replicas],
  ['aws.cache.snapshotDays', 0, 35, 'days'],
  ['aws.files.coldAfterDays', 30, 3650, 'days'],
  ['aws.files.oldVersionDays', 1, 3650, 'days'],
  ['nodes.count', 1, 500, 'nodes'],
  ['nodes.maxCount', 1, 500, 'nodes'],
];

describe.each(limits)('%s from %i to %i %s', (path, min, max, unit) => {
  const told = `${path} must be a whole number of ${unit} from ${min} to ${max}`;

  it.each([
    ['less', min - 1],
    ['more', max + 1],
    ['no whole number', min + 0.5],
    ['no number', String(min)],
  ])('refuses %s and names field, unit and limits', (_, value) => {
    expect(faultsOf(changed(production, path, value))).toEqual([told]);
  });

  it.each([
    ['least', min],
    ['most', max],
  ])('takes the %s', (_, value) => {
    expect(faultsOf(changed(production, path, value))).not.toContain(told);
  });
});

it('every number that an environment can hold has its limits tested', () => {
  const numbers = [...environments, ...everything, ...Object.values(variants)].flatMap((each) =>
    leaves(valuesOf(each)).flatMap(({ path, value }) => (typeof value === 'number' ? [path] : [])),
  );
  expect([...new Set(numbers)].sort()).toEqual(limits.map(([path]) => path).sort());
});

describe('what is no number', () => {
  it.each([
    ['name', 'Production', 'must be 1 to 12 lower-case letters, digits and dashes, and start with a letter'],
    ['namespace', '-x', 'must be 1 to 40 lower-case letters, digits and dashes, and start with a letter'],
    ['name', 'pro--d', 'must not have two dashes in a row: identifiers of RDS and ElastiCache may not'],
    ['service.name', 'a-name-that-is-too-long', 'must be 2 to 20 lower-case letters, digits and dashes'],
    ['service.name', 'a', 'must be 2 to 20 lower-case letters, digits and dashes'],
    ['service.name', 'my-', 'must be 2 to 20 lower-case letters, digits and dashes'],
    ['service.name', 'my--app', 'must not have two dashes in a row: identifiers of RDS and ElastiCache may not'],
    ['service.name', 'internal-tools', 'must not start with internal-: the name of a load balancer may not'],
    ['service.name', 'internal', 'must not start with internal-: the name of a load balancer may not'],
    ['service.name', 'sg', 'must not start with sg-: the name of a security group may not'],
    ['service.name', 'sthree-app', 'must not start with sthree-: the name of a bucket may not'],
    ['monitoringNamespace', '', 'must be 1 to 40 lower-case letters'],
    ['accountId', '1234', 'must be 12 digits'],
    ['region', 'us-east', 'must be an AWS region such as us-east-1'],
    ['region', 'cn-north-1', 'must be a region of the partition aws: those of China'],
    ['region', 'us-gov-west-1', 'must be a region of the partition aws: those of China, GovCloud'],
    ['region', 'us-iso-east-1', 'must be a region of the partition aws'],
    ['region', 'us-isob-east-1', 'must be a region of the partition aws'],
    ['aws.cluster.adminRoleArns', ['arn:aws-cn:iam::444455556666:role/a'], 'must be the ARN of a role or user'],
    ['loadBalancer.domain', 'https://api.example.org', 'must be a host name such as api.example.org'],
    ['loadBalancer.paths', ['files'], 'must be a path such as /files'],
    ['loadBalancer.cidrs', ['10.0.1.0'], 'must be an IPv4 range such as 10.0.1.0/24'],
    ['loadBalancer.exceptCidrs', ['10.0.1.256/24'], 'must be an IPv4 range'],
    ['loadBalancer.cidrs', ['10.0.01.0/24'], 'must be an IPv4 range'],
    ['loadBalancer.cidrs', ['10.0.1.7/24'], 'must begin where its block begins: 10.0.1.0/24'],
    ['network.vpcCidr', '10.0.0.0/33', 'must be an IPv4 range'],
    ['network.vpcCidr', '10.0.128.0/16', 'must begin where its block begins: 10.0.0.0/16'],
    ['network.vpcCidr', '10.0.0.0/15', 'must be a /16 to /24 that holds six subnets'],
    ['network.vpcCidr', '10.0.0.0/25', 'must be a /16 to /24 that holds six subnets'],
    [
      'network.publicCidrs',
      ['10.0.1.0/28', '10.0.2.0/24'],
      'must be /27 or larger: the load balancer needs 8 addresses',
    ],
    ['network.privateCidrs', ['10.0.11.0/24', '10.0.12.0/30'], 'must be /28 or larger: AWS makes no smaller subnet'],
    ['network.databaseCidrs', ['10.0.21.0/30', '10.0.22.0/24'], 'must be /28 or larger: AWS makes no smaller subnet'],
    ['aws.cluster.allowedCidrs', ['0.0.0.0/0'], 'must not be the whole internet'],
    ['aws.cluster.allowedCidrs', ['198.51.100.0/24', '128.0.0.0/1'], 'must be /8 or smaller'],
    ['aws.cluster.allowedCidrs', ['198.51.100.7/24'], 'must begin where its block begins: 198.51.100.0/24'],
    ['aws.cluster.allowedCidrs', [], '>=1 items'],
    [
      'aws.cluster.allowedCidrs',
      Array.from({ length: 41 }, (_, index) => `198.51.100.${index}/32`),
      'must be 40 ranges at most, which EKS takes',
    ],
    ['aws.cluster.fargateNamespaces', ['batch-*'], 'must be 1 to 63 lower-case letters, digits and dashes'],
    [
      'aws.cluster.fargateNamespaces',
      ['a', 'b', 'c', 'd', 'e', 'f'],
      'must be 5 namespaces at most, which a Fargate profile takes',
    ],
    ['aws.cache.nodeType', 'cache.m99.large', 'cache.m99.large is unknown; known are cache.t4g.micro, cache.t4g.small'],
    ['aws.cache.nodeType', 't4g.small', 't4g.small is unknown; known are'],
    ['scaling.profile', 'fast', '"responsive"|"band-50-30"|"band-80-20"|"none"'],
    ['scaling.scaleIn', 'slow', '"profile"|"cost"'],
    ['nodes.capacity', 'reserved', '"on-demand"|"spot"'],
    ['prerequisites', ['metric-server'], '"metrics-server"'],
    ['proxy', 'yes', 'expected boolean'],
    ['pod', undefined, 'expected object'],
    ['nodes.instanceTypes', [], '>=1 items'],
  ])('%s %j is refused by name', (path, value, told) => {
    const faults = faultsOf(changed(production, path, value));
    expect(faults).toHaveLength(1);
    expect(faults[0]?.startsWith(path)).toBe(true);
    expect(faults[0]).toContain(told);
  });

  it('a field that is no field is named', () => {
    expect(faultsOf(changed(production, 'pod.cpu', 1))).toEqual([expect.stringMatching(/^pod .*"cpu"/)]);
    expect(faultsOf(changed(production, 'replicas', 2))).toEqual([
      expect.stringMatching(/^the environment .*"replicas"/),
    ]);
  });

  it('an instance type of which nothing is known is named, and those that are known', () => {
    expect(faultsOf(changed(production, 'nodes.instanceTypes', ['x9.huge']))).toEqual([
      expect.stringMatching(
        /^nodes\.instanceTypes: x9\.huge is unknown; known are .*t3\.large.*config\/instance-types\.ts/,
      ),
    ]);
  });

  it('all faults are told at once', () => {
    const twice = changed(changed(production, 'database.poolSize', 0), 'accountId', 'x');
    expect(faultsOf(twice)).toHaveLength(2);
  });
});
