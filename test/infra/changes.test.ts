// C11: a change in config/ changes manifests and infrastructure alike, or is refused by name.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { adminRoleArns } from '../../config/account.ts';
import { environmentNamed } from '../../config/environments.ts';
import { allStacks } from '../../infra/stack-order.ts';
import { requestRateMetric } from '../../observability/request-rate.ts';
import {
  type Json,
  ofType,
  only,
  propertiesOf,
  type Resource,
  root,
  type Template,
  template,
  templates,
} from './support/templates.ts';
import { makeVariants } from './support/variants.ts';
import { type Stacks, watchingFaults } from './support/watching.ts';

const [ours] = adminRoleArns as [string];
const roleA = 'arn:aws:iam::444455556666:role/a';
const userB = 'arn:aws:iam::444455556666:user/b';
const changes = {
  pods: { pod: { cpuRequestMillis: 900, memoryMiB: 768 }, scaling: { maxReplicas: 9 } },
  nodes: { nodes: { instanceTypes: ['m7i.xlarge'], count: 3, capacity: 'spot' } },
  burst: { nodes: { maxCount: 20 } },
  noBurst: { nodes: { count: 12, maxCount: 12 } },
  rate: {
    scaling: { requestsPerSecond: 200 },
    prerequisites: [...environmentNamed('production').prerequisites, 'prometheus-adapter'],
  },
  administrators: { aws: { cluster: { adminRoleArns: [roleA, ours, userB] } } },
  fewerAdministrators: { aws: { cluster: { adminRoleArns: [userB, ours] } } },
  databaseClass: { aws: { database: { instanceType: 'r7g.large', multiAz: false, backupDays: 14 } } },
  pool: { database: { poolSize: 25, maxConnections: 600 } },
  noReader: { database: { reader: false } },
  cache: { aws: { cache: { nodeType: 'cache.r7g.large', replicas: 2 } } },
  nat: { aws: { natGateways: 1 } },
  retention: { aws: { logDays: 30, logBucketDays: 100 } },
  ranges: { aws: { cluster: { allowedCidrs: ['198.51.100.0/24'] } } },
  fargate: { aws: { cluster: { fargateNamespaces: ['batch', 'reports'] } } },
  // The service takes no dash in a name inside PostgreSQL.
  dashed: { service: { name: 'my-app' } },
  named: {
    proxy: true,
    loadBalancer: { domain: 'api.example.org' },
    aws: { zone: { name: 'example.org' }, alertEmails: ['operations@example.org'] },
  },
  hidden: {
    loadBalancer: { webAcl: false },
    aws: { cluster: { endpoint: 'private', allowedCidrs: ['10.20.0.0/16'] } },
  },
  tooManyConnections: { database: { poolSize: 40 } },
  tooSmallDatabase: { aws: { database: { instanceType: 't4g.medium' } }, database: { maxConnections: 500 } },
  unknownClass: { aws: { database: { instanceType: 'm99.large' } } },
  everybody: { aws: { cluster: { allowedCidrs: ['0.0.0.0/0'] } } },
  noZone: { loadBalancer: { domain: 'api.example.org' } },
  noDomain: { aws: { zone: { name: 'example.org' } } },
  otherZone: { loadBalancer: { domain: 'api.example.org' }, aws: { zone: { name: 'example.com' } } },
  noInfrastructure: { aws: null },
  oddRetention: { aws: { logDays: 42 } },
  unknownNode: { aws: { cache: { nodeType: 'cache.m99.large' } } },
  privateForTheInternet: { aws: { cluster: { endpoint: 'private', allowedCidrs: ['203.0.113.0/24'] } } },
  oddRegion: { region: 'eu-west-1' },
  serviceOnFargate: { aws: { cluster: { fargateNamespaces: ['slipway'] } } },
};
type Name = keyof typeof changes;

let made: ReturnType<typeof makeVariants<Name>>;
beforeAll(() => {
  made = makeVariants('production', changes);
});
afterAll(() => made.remove());

const charts = (name: Name) => made.charts(name);
const of = (name: Name, stack: string) => made.of(name, stack);
/** The manifests of production as they are, which the tests of k8s hold against their source. */
const chartsAsTheyAre = readdirSync(join(root, 'charts-out', 'production'))
  .sort()
  .map((file) => readFileSync(join(root, 'charts-out', 'production', file), 'utf8'))
  .join('---\n');

const certificateAlarms = (name: Name) =>
  propertiesOf(of(name, 'observability'), 'AWS::CloudWatch::Alarm').filter(({ AlarmName }) =>
    String(AlarmName).endsWith('-certificate-expires'),
  );

describe('C11 sizes and switches', () => {
  it('pods, nodes and their number, and how they are bought', () => {
    expect(charts('pods')).toContain('cpu: 900m');
    expect(charts('pods')).toContain('memory: 768Mi');
    expect(charts('pods')).toContain('maxReplicas: 9');
    const [atMaximum, ...others] = propertiesOf(of('pods', 'observability'), 'AWS::CloudWatch::Alarm').filter(
      ({ AlarmName }) => String(AlarmName).endsWith('-hpa-at-maximum'),
    );
    expect(others).toEqual([]);
    expect(atMaximum?.Threshold).toBe(9);
    expect(only(of('nodes', 'cluster'), 'AWS::EKS::Nodegroup')).toMatchObject({
      InstanceTypes: ['m7i.xlarge'],
      ScalingConfig: { MinSize: 3, DesiredSize: 3, MaxSize: 4 },
      CapacityType: 'SPOT',
    });
    // How a node was bought is all that its pods ask for: class and number are a matter of infrastructure alone.
    expect(charts('nodes')).toBe(chartsAsTheyAre.replace('- ON_DEMAND', '- SPOT'));
    expect(charts('nodes')).not.toBe(chartsAsTheyAre);
    // Nodes beyond the base, times their CPUs.
    const cpus = (['nodes', 'burst', 'pods', 'noBurst'] as const).map((name) => {
      const [, most] = /limits\\":{\\"cpu\\":(\d+)}/.exec(JSON.stringify(of(name, 'cluster'))) ?? [];
      return [name, most];
    });
    expect(Object.fromEntries(cpus)).toEqual({ nodes: '36', burst: '36', pods: '20', noBurst: '0' });
  });

  it('C7 requests per second: prometheus-adapter serves what the HPA asks for, by the rule of the manifests', () => {
    const manifests = parseAllDocuments(charts('rate')).map((document) => document.toJS());
    const autoscaler = manifests.find(({ kind }) => kind === 'HorizontalPodAutoscaler');
    expect(autoscaler.spec.metrics.map(({ pods }: { pods?: { metric: object } }) => pods?.metric)).toContainEqual({
      name: requestRateMetric,
    });
    const rules = manifests.find(({ metadata }) => metadata.name === 'slipway-metrics-adapter').data['config.yaml'];
    const [adapter] = propertiesOf(of('rate', 'cluster'), 'Custom::AWSCDK-EKS-HelmChart').filter(
      ({ Chart }) => Chart === 'prometheus-adapter',
    );
    // A ConfigMap of charts-out, which comes later, would have its pod wait for ever.
    expect(JSON.parse(String(adapter?.Values)).rules).toEqual({ default: false, custom: parse(rules).rules });
    expect(parse(rules).rules.map(({ name }: { name: { as: string } }) => name.as)).toEqual([requestRateMetric]);
  });

  it('C1 administrators keep their entries, in whatever order and company they are named', () => {
    const entries = (from: Template) =>
      Object.fromEntries(
        Object.entries(ofType(from, 'AWS::EKS::AccessEntry'))
          .filter(([, { Properties }]) => typeof Properties.PrincipalArn === 'string')
          .map(([id, { Properties }]) => [Properties.PrincipalArn, id]),
      );
    const all = entries(of('administrators', 'cluster'));
    expect(Object.keys(all).sort()).toEqual([roleA, ours, userB].sort());
    // CloudFormation makes what is new before it deletes what is gone, and EKS takes a principal once.
    expect(entries(of('fewerAdministrators', 'cluster'))).toEqual({ [ours]: all[ours], [userB]: all[userB] });
    expect(entries(template('production', 'cluster'))).toEqual({ [ours]: all[ours] });
  });

  it('a database of another class, without standby and replica, with a bigger pool', () => {
    const [writer] = propertiesOf(of('databaseClass', 'data'), 'AWS::RDS::DBInstance');
    expect(writer).toMatchObject({ DBInstanceClass: 'db.r7g.large', MultiAZ: false, BackupRetentionPeriod: 14 });
    expect(only(of('pool', 'data'), 'AWS::RDS::DBParameterGroup').Parameters).toMatchObject({ max_connections: '600' });
    expect(charts('pool')).toContain('DATABASE_POOL_SIZE: "25"');
    expect(propertiesOf(of('noReader', 'data'), 'AWS::RDS::DBInstance')).toHaveLength(1);
    expect(charts('noReader')).not.toContain('DATABASE_READER_URL');
    expect(JSON.stringify(of('noReader', 'data'))).not.toContain('"reader\\":');
    expect(charts('pool')).toContain('DATABASE_READER_URL');
  });

  it('a bigger Redis', () => {
    expect(only(of('cache', 'data'), 'AWS::ElastiCache::ReplicationGroup')).toMatchObject({
      CacheNodeType: 'cache.r7g.large',
      NumCacheClusters: 3,
    });
  });

  it('O3 an alarm for each server and node that there is, and none for those that there are not', () => {
    const watched = (name: Name) =>
      propertiesOf(of(name, 'observability'), 'AWS::CloudWatch::Alarm').flatMap(({ Dimensions }) =>
        ((Dimensions ?? []) as { Value: string }[]).map(({ Value }) => Value),
      );
    for (const node of ['001', '002', '003']) expect(watched('cache')).toContain(`slipway-production-${node}`);
    expect(watched('noReader')).toContain('slipway-production');
    expect(watched('noReader')).not.toContain('slipway-production-reader');
    expect(watched('cache')).toContain('slipway-production-reader');
  });

  it.each([
    'burst',
    'noBurst',
    'administrators',
    'databaseClass',
    'cache',
    'nat',
    'retention',
    'ranges',
    'fargate',
  ] as const)('%s is a matter of infrastructure alone: manifests as they were', (name) => {
    expect(charts(name)).toBe(chartsAsTheyAre);
  });

  it('one NAT gateway, shorter logs, and other addresses for the API server', () => {
    expect(propertiesOf(of('nat', 'network'), 'AWS::EC2::NatGateway')).toHaveLength(1);
    for (const stack of allStacks) {
      for (const each of propertiesOf(of('retention', stack), 'AWS::Logs::LogGroup'))
        expect(each.RetentionInDays).toBe(30);
    }
    // S3 refuses to move what it is about to delete, and Glacier bills 90 days at least.
    const ofBuckets = propertiesOf(of('retention', 'data'), 'AWS::S3::Bucket').map(
      ({ LifecycleConfiguration }) => (LifecycleConfiguration as { Rules: Json[] }).Rules,
    );
    expect(ofBuckets.flat()).toContainEqual({
      ExpirationInDays: 100,
      NoncurrentVersionExpiration: { NoncurrentDays: 1 },
      Status: 'Enabled',
    });
    const { PublicAccessCidrs } = only(of('ranges', 'cluster'), 'AWS::EKS::Cluster').ResourcesVpcConfig as Record<
      string,
      Json
    >;
    expect(PublicAccessCidrs).toEqual(['198.51.100.0/24']);
  });

  it('C1 namespaces on Fargate, whose pods are in the group of the nodes, and manifests as they were', () => {
    const fargate = of('fargate', 'cluster');
    expect(only(fargate, 'AWS::EKS::FargateProfile').Selectors).toEqual([
      { Namespace: 'batch', Labels: [] },
      { Namespace: 'reports', Labels: [] },
    ]);
    expect(propertiesOf(fargate, 'AWS::IAM::OIDCProvider')).toHaveLength(1);
    const [profile] = Object.keys(ofType(fargate, 'AWS::EKS::FargateProfile'));
    const made = Object.values(ofType(fargate, 'Custom::AWSCDK-EKS-KubernetesResource')).filter(({ Properties }) =>
      JSON.stringify(Properties).includes('SecurityGroupPolicy'),
    );
    expect(made.map(({ DependsOn }) => [DependsOn].flat().includes(profile))).toEqual([true, true]);
    const objects = made.map(({ Properties }) => {
      const [, parts] = (Properties.Manifest as { 'Fn::Join': [string, Json[]] })['Fn::Join'];
      return JSON.parse(parts.map((part) => (typeof part === 'string' ? part : 'GROUP')).join(''));
    });
    // In this order: the policy is in the namespace, and pods that are made before it do not have the group.
    expect(objects).toEqual(
      ['batch', 'reports'].map((name) => [
        { apiVersion: 'v1', kind: 'Namespace', metadata: expect.objectContaining({ name }) },
        {
          apiVersion: 'vpcresources.k8s.aws/v1beta1',
          kind: 'SecurityGroupPolicy',
          metadata: expect.objectContaining({ namespace: name, name: 'nodes' }),
          spec: { podSelector: {}, securityGroups: { groupIds: ['GROUP'] } },
        },
      ]),
    );
    expect(of('fargate', 'network')).toEqual(of('ranges', 'network'));
  });

  it('D6 a service with a dash in its name: rotation and pods speak of the same database and users', () => {
    const all = templates(join(made.folder, 'dashed'));
    const data = all.get('my-app-production-data');
    if (data === undefined) throw new Error(`no data stack in ${[...all.keys()].join(', ')}`);
    const [rotation] = propertiesOf(data, 'AWS::Lambda::Function').filter(
      ({ FunctionName }) => FunctionName === 'my-app-production-rotate-database',
    );
    expect(rotation?.Environment).toMatchObject({ Variables: { DATABASE_NAME: 'my_app' } });
    expect(charts('dashed')).toMatch(/DATABASE_URL: postgres:\/\/\S+.*\/my_app\b/);
    const users = propertiesOf(data, 'AWS::SecretsManager::Secret').map(({ GenerateSecretString }) =>
      JSON.stringify(GenerateSecretString),
    );
    for (const user of ['my_app_master', 'my_app_app_a', 'my_app_migrator'])
      expect(users.join()).toContain(`\\"username\\":\\"${user}\\"`);
  });

  it('E2 E7 a domain: certificate, zone, its records, TLS from the Ingress to the security group, and Nginx', () => {
    const edge = of('named', 'edge');
    expect(only(edge, 'AWS::CertificateManager::Certificate')).toMatchObject({
      DomainName: 'api.example.org',
      ValidationMethod: 'DNS',
    });
    const [[zone, { Properties, DeletionPolicy }]] = Object.entries(
      ofType(edge, 'AWS::Route53::HostedZone'),
    ) as never as [[string, Resource]];
    // It holds records that no stack knows, and the name servers that somebody has delegated to.
    expect([Properties.Name, DeletionPolicy]).toEqual(['example.org.', 'RetainExceptOnCreate']);
    const [certificate] = Object.keys(ofType(edge, 'AWS::CertificateManager::Certificate'));
    expect(propertiesOf(edge, 'AWS::SSM::Parameter')).toEqual([
      expect.objectContaining({ Name: '/slipway/production/zone-id', Value: { Ref: zone } }),
      expect.objectContaining({ Name: '/slipway/production/certificate-arn', Value: { Ref: certificate } }),
    ]);
    expect(Object.values(of('named', 'cluster').Parameters ?? {})).toContainEqual(
      expect.objectContaining({
        Type: 'AWS::SSM::Parameter::Value<String>',
        Default: '/slipway/production/zone-id',
      }),
    );
    // An export that a later stack uses could not be taken away with the zone.
    expect(edge.Outputs).toBeUndefined();
    const charted = propertiesOf(of('named', 'cluster'), 'Custom::AWSCDK-EKS-HelmChart').map(({ Chart }) => Chart);
    expect(charted).toContain('external-dns');
    const open = propertiesOf(of('named', 'network'), 'AWS::EC2::SecurityGroup').flatMap(({ SecurityGroupIngress }) =>
      ((SecurityGroupIngress ?? []) as { FromPort: number }[]).map(({ FromPort }) => FromPort),
    );
    expect(open).toEqual([80, 443]);
    expect(charts('named')).toContain('alb.ingress.kubernetes.io/ssl-redirect');
    expect(charts('named')).toContain('- api.example.org');
    const toPods = propertiesOf(of('named', 'network'), 'AWS::EC2::SecurityGroupIngress').filter(({ Description }) =>
      String(Description).includes('health checks'),
    );
    expect(toPods.map(({ FromPort }) => FromPort)).toEqual([8080]);
    expect(charts('named')).toContain('containerPort: 8080');
    const subscriptions = propertiesOf(of('named', 'operations'), 'AWS::SNS::Subscription');
    expect(subscriptions.map(({ Protocol, Endpoint }) => `${Protocol} ${Endpoint}`)).toEqual([
      'email operations@example.org',
      'email operations@example.org',
    ]);
  });

  it('O3 a certificate of ours has an alarm on its end, one that is kept elsewhere has none', () => {
    const [alarm, ...others] = certificateAlarms('named');
    expect(others).toEqual([]);
    expect(alarm).toMatchObject({
      Namespace: 'AWS/CertificateManager',
      MetricName: 'DaysToExpiry',
      Dimensions: [{ Name: 'CertificateArn', Value: { Ref: expect.stringContaining('certificatearn') } }],
    });
    const named = Object.fromEntries(allStacks.map((stack) => [stack, of('named', stack)])) as unknown as Stacks;
    expect(watchingFaults(named, 'production')).toEqual([]);
    expect(JSON.stringify(only(of('named', 'observability'), 'AWS::CloudWatch::Dashboard'))).toContain('DaysToExpiry');
    expect(certificateAlarms('noZone')).toEqual([]);
  });

  it('no web ACL, and an API server that only the VPC reaches', () => {
    // The stack stays, so that what it made goes; and a stack cannot be empty.
    expect(Object.values(of('hidden', 'edge').Resources)).toEqual([
      { Type: 'AWS::CloudFormation::WaitConditionHandle' },
    ]);
    expect(charts('hidden')).toContain('wafv2-acl-name: none');
    expect(only(of('hidden', 'cluster'), 'AWS::EKS::Cluster').ResourcesVpcConfig).toMatchObject({
      EndpointPublicAccess: false,
      EndpointPrivateAccess: true,
    });
  });

  it('a domain whose zone is kept elsewhere: TLS, and neither certificate nor zone of ours', () => {
    expect(charts('noZone')).toContain('alb.ingress.kubernetes.io/ssl-redirect');
    expect(propertiesOf(of('noZone', 'edge'), 'AWS::CertificateManager::Certificate')).toEqual([]);
    expect(propertiesOf(of('noZone', 'edge'), 'AWS::WAFv2::WebACL')).toHaveLength(1);
  });

  it.each([
    [
      'tooManyConnections',
      'database.poolSize 40 × (scaling.maxReplicas 10 + rollout.surge 2) = 480 connections is more than',
    ],
    [
      'tooSmallDatabase',
      'database.maxConnections 500 is more than the 450 that the memory of aws.database.instanceType t4g.medium',
    ],
    ['unknownClass', 'aws.database.instanceType: m99.large is unknown'],
    ['unknownNode', 'aws.cache.nodeType cache.m99.large is unknown; known are'],
    [
      'privateForTheInternet',
      'aws.cluster.allowedCidrs 203.0.113.0/24 is not private, but aws.cluster.endpoint private is reached by VPN or peering only',
    ],
    ['everybody', 'aws.cluster.allowedCidrs.0 must not be the whole internet'],
    ['noDomain', 'aws.zone example.org is there for loadBalancer.domain, which is missing'],
    ['otherZone', 'loadBalancer.domain api.example.org is not in aws.zone example.com'],
    ['noInfrastructure', 'production has a network but no aws'],
    ['oddRetention', 'aws.logDays 42 is not what CloudWatch offers: 1, 3, 5, 7'],
    ['serviceOnFargate', 'aws.cluster.fargateNamespaces slipway is the namespace of the service'],
    ['oddRegion', 'aws.zones us-east-1a is not in the region eu-west-1'],
  ] as const)('%s is refused', (name, message) => {
    expect(made.refusal(name)).toContain(message);
  });
});
