// A smoke test: an emulator takes the templates through its CloudFormation. It shows that references and order are right; no setting.
import { accountId } from '../../config/account.ts';
import { allStacks } from '../../infra/stack-order.ts';
import { type Ministack, signedFor, startMinistack } from '../support/ministack.ts';
import { waitFor } from '../support/wait.ts';
import { emulatable } from './support/emulate.ts';
import { propertiesOf, type Template, template, templates } from './support/templates.ts';

/** Types that MiniStack 1.5.33 does not know: nothing is claimed of them here. */
const unknownToEmulator = [
  'AWS::EC2::EIP',
  'AWS::EC2::FlowLog',
  'AWS::EC2::NatGateway',
  'AWS::EC2::NetworkAcl',
  'AWS::EC2::NetworkAclEntry',
  'AWS::EC2::SecurityGroupEgress',
  'AWS::EC2::SecurityGroupIngress',
  'AWS::EC2::SubnetNetworkAclAssociation',
  'AWS::EKS::AccessEntry',
  'AWS::EKS::Addon',
  'AWS::EKS::PodIdentityAssociation',
  'AWS::SecretsManager::RotationSchedule',
  'AWS::WAFv2::LoggingConfiguration',
];

/** What the CDK makes by functions of its own, which the emulator cannot run. */
const madeByFunctions = [
  'Custom::AWSCDK-EKS-HelmChart',
  'Custom::AWSCDK-EKS-KubernetesResource',
  'Custom::AWSCDKCfnJson',
  'Custom::S3AutoDeleteObjects',
  'Custom::VpcRestrictDefaultSG',
];

/** Alarms that it does not take although it knows their type: those on metric math and on queries. */
const unknownAlarms = [
  'cpu-high',
  'error-rate-high',
  'healthy-hosts-low',
  'load-balancer-5xx',
  'service-5xx',
  'unhealthy-hosts',
];
const isUnknownAlarm = ({ Type, Properties }: Template['Resources'][string]) =>
  Type === 'AWS::CloudWatch::Alarm' && Properties.Metrics !== undefined;

/** What it is given of a template. */
const known = (of: Template) => {
  const Resources = Object.fromEntries(Object.entries(of.Resources).filter(([, each]) => !isUnknownAlarm(each)));
  return emulatable({ ...of, Resources }, new Set(unknownToEmulator)).template;
};

let ministack: Ministack;
beforeAll(async () => {
  ministack = await startMinistack();
});
afterAll(() => ministack.stop());

const ask: Ministack['query'] = (...request) => ministack.query(...request);
const askJson: Ministack['json'] = (...request) => ministack.json(...request);
const askBucket = async (bucket: string, about: string): Promise<string> =>
  (await fetch(`${ministack.endpoint}/${bucket}?${about}`, { headers: { Authorization: signedFor('s3') } })).text();

const cloudFormation = (params: Record<string, string>) => ask('cloudformation', '2010-05-15', params);

/** CloudFormation quotas, "Template body size in a request": what is longer comes from a bucket, as the CDK does with all. */
const longestBody = 51_200;

async function templateOf(name: string, body: object): Promise<Record<string, string>> {
  const text = JSON.stringify(body);
  if (Buffer.byteLength(text) <= longestBody) return { TemplateBody: text };
  const bucket = `${ministack.endpoint}/templates`;
  await fetch(bucket, { method: 'PUT' });
  const url = `${bucket}/${name}.json`;
  const { status } = await fetch(url, { method: 'PUT', body: text });
  if (status !== 200) throw new Error(`${url}: ${status}`);
  return { TemplateURL: url };
}

/** @returns CREATE_COMPLETE, or what was said instead */
async function create(name: string, body: object): Promise<string> {
  const template = await templateOf(name, body);
  const answer = await cloudFormation({ Action: 'CreateStack', StackName: name, ...template });
  let state = '';
  let status: string | undefined;
  const ended = async () => {
    state = await cloudFormation({ Action: 'DescribeStacks', StackName: name });
    status = /<StackStatus>(.*?)</.exec(state)?.[1];
    return status?.endsWith('IN_PROGRESS') !== true || status.startsWith('ROLLBACK');
  };
  await waitFor(`the end of ${name}`, ended, 120_000, 100);
  if (status === 'CREATE_COMPLETE') return status;
  return `${answer}${state}${await cloudFormation({ Action: 'DescribeStackEvents', StackName: name })}`;
}

const stacks = ['production', 'staging'].flatMap((environment) =>
  allStacks.map((stack) => `slipway-${environment}-${stack}`),
);

describe('an emulator of CloudFormation', () => {
  it.each(['slipway-registry', ...stacks])('makes what it knows of %s', async (name) => {
    const of = templates().get(name);
    if (of === undefined) throw new Error(`no ${name}`);
    expect(await create(name, known(of))).toBe('CREATE_COMPLETE');
  });

  it('is given everything but these types', () => {
    const left = [...templates().values()].flatMap((of) => emulatable(of, new Set(unknownToEmulator)).left);
    expect([...new Set(left)].sort()).toEqual([...unknownToEmulator, ...madeByFunctions].sort());
  });

  it('knows none of the types that were left out', async () => {
    for (const type of unknownToEmulator) {
      const answer = await create(`probe-${type.replaceAll('::', '-')}`, {
        Resources: { probe: { Type: type, Properties: {} } },
      });
      expect(answer).toContain(`Unrecognized resource types: [${type}]`);
    }
  });

  it('refuses the alarms that were left out, and no other is left out', async () => {
    for (const environment of ['production', 'staging']) {
      const { Resources } = template(environment, 'observability');
      const left = Object.entries(Resources).filter(([, each]) => isUnknownAlarm(each));
      const names = left.map(([, { Properties }]) =>
        String(Properties.AlarmName).replace(`slipway-${environment}-`, ''),
      );
      expect(names.sort()).toEqual(unknownAlarms);
      const [, { Properties }] = left[0] as (typeof left)[number];
      const probe = { Type: 'AWS::CloudWatch::Alarm', Properties: { ...Properties, AlarmActions: [], OKActions: [] } };
      expect(await create(`probe-alarm-${environment}`, { Resources: { probe } })).toContain('is not supported');
    }
  });

  it('answers with the dashboard, the alarms and the filters that the templates ask for', async () => {
    for (const environment of ['production', 'staging']) {
      const wanted = propertiesOf(known(template(environment, 'observability')), 'AWS::CloudWatch::Alarm');
      const told = await ask('monitoring', '2010-08-01', { Action: 'DescribeAlarms', MaxRecords: '100' });
      for (const { AlarmName, Threshold } of wanted) {
        const found = told.split('<member>').find((each) => each.includes(`<AlarmName>${AlarmName}</AlarmName>`));
        const threshold = Number(/<Threshold>(.*?)</.exec(found ?? '')?.[1]);
        expect({ AlarmName, threshold }).toEqual({ AlarmName, threshold: Threshold });
      }
      const DashboardName = `slipway-${environment}`;
      const dashboard = await ask('monitoring', '2010-08-01', { Action: 'GetDashboard', DashboardName });
      expect(dashboard).toContain('Active instances');
    }
  });

  it('answers with the subnets, the database and the Redis that the templates ask for', async () => {
    const subnets = await ask('ec2', '2016-11-15', { Action: 'DescribeSubnets' });
    for (const cidr of ['10.0.1.0/24', '10.0.2.0/24', '10.0.11.0/24', '10.0.12.0/24', '10.0.21.0/24', '10.0.22.0/24']) {
      expect(subnets).toContain(`<cidrBlock>${cidr}</cidrBlock>`);
    }
    const databases = await ask('rds', '2014-10-31', { Action: 'DescribeDBInstances' });
    for (const name of ['slipway-production', 'slipway-production-reader', 'slipway-staging']) {
      expect(databases).toContain(`<DBInstanceIdentifier>${name}</DBInstanceIdentifier>`);
    }
    expect(databases).toContain('<EngineVersion>15.17</EngineVersion>');
    const caches = await ask('elasticache', '2015-02-02', { Action: 'DescribeReplicationGroups' });
    expect(caches).toContain('<ReplicationGroupId>slipway-production</ReplicationGroupId>');
  });

  it('answers with the associations and security groups that the templates ask for', async () => {
    const tables = await ask('ec2', '2016-11-15', { Action: 'DescribeRouteTables' });
    const [subnet] = /subnet-[0-9a-f]+/.exec(tables) ?? [];
    expect(subnet).toBeDefined();
    expect(tables.match(/<subnetId>/g)?.length).toBeGreaterThanOrEqual(12);
    const groups = await ask('ec2', '2016-11-15', { Action: 'DescribeSecurityGroups' });
    for (const name of ['load-balancer', 'nodes', 'database', 'cache', 'rotation', 'endpoints', 'control-plane'])
      expect(groups).toContain(`<groupName>slipway-production-${name}</groupName>`);
  });

  it('answers with policy, versions and closure of the buckets that the templates ask for', async () => {
    for (const kind of ['files', 'logs', 'artifacts']) {
      const bucket = `slipway-production-${kind}-${accountId}`;
      expect(await askBucket(bucket, 'policy')).toContain('"aws:SecureTransport"');
      expect(await askBucket(bucket, 'versioning')).toContain('<Status>Enabled</Status>');
      const closed = await askBucket(bucket, 'publicAccessBlock');
      expect(closed.match(/>true</g)).toHaveLength(4);
    }
  });

  it('answers with the retention, the web ACL and the repository that the templates ask for', async () => {
    const { logGroups } = await askJson<{ logGroups: { logGroupName: string; retentionInDays?: number }[] }>(
      'logs',
      'Logs_20140328.DescribeLogGroups',
      { logGroupNamePrefix: '/slipway/' },
    );
    expect(logGroups.map(({ logGroupName, retentionInDays }) => [logGroupName, retentionInDays]).sort()).toEqual([
      ['/slipway/production/vpc-flow', 90],
      ['/slipway/staging/vpc-flow', 14],
    ]);
    const { WebACLs } = await askJson<{ WebACLs: { Name: string; Id: string }[] }>(
      'wafv2',
      'AWSWAF_20190729.ListWebACLs',
      { Scope: 'REGIONAL' },
    );
    const found = WebACLs.find(({ Name }) => Name === 'slipway-production');
    const { WebACL } = await askJson<{ WebACL: { Rules: { Name: string }[] } }>('wafv2', 'AWSWAF_20190729.GetWebACL', {
      Scope: 'REGIONAL',
      Name: found?.Name,
      Id: found?.Id,
    });
    expect(WebACL.Rules.map(({ Name }) => Name)).toContain('bodies-except-uploads');
    const registry = 'AmazonEC2ContainerRegistry_V20150921';
    const { repositories } = await askJson<{ repositories: Record<string, unknown>[] }>(
      'ecr',
      `${registry}.DescribeRepositories`,
      {},
    );
    expect(repositories).toEqual([
      expect.objectContaining({ repositoryName: 'slipway', imageTagMutability: 'IMMUTABLE' }),
    ]);
    const { lifecyclePolicyText } = await askJson<{ lifecyclePolicyText: string }>(
      'ecr',
      `${registry}.GetLifecyclePolicy`,
      { repositoryName: 'slipway' },
    );
    expect(JSON.parse(lifecyclePolicyText).rules).toHaveLength(1);
  });

  it('answers with the rotation of keys, the shape of secrets and the trust of roles that the templates ask for', async () => {
    const { Aliases } = await askJson<{ Aliases: { AliasName: string; TargetKeyId?: string }[] }>(
      'kms',
      'TrentService.ListAliases',
      {},
    );
    for (const key of ['data', 'alarms', 'cluster', 'volumes']) {
      const found = Aliases.find(({ AliasName }) => AliasName === `alias/slipway-production-${key}`);
      const status = await askJson('kms', 'TrentService.GetKeyRotationStatus', { KeyId: found?.TargetKeyId });
      expect({ key, status }).toEqual({ key, status: expect.objectContaining({ KeyRotationEnabled: true }) });
    }
    const { SecretString } = await askJson<{ SecretString: string }>(
      'secretsmanager',
      'secretsmanager.GetSecretValue',
      {
        SecretId: 'slipway/production/database/app-a',
      },
    );
    expect(JSON.parse(SecretString)).toEqual({
      username: 'slipway_app_a',
      password: expect.stringMatching(/^.{40}$/),
    });
    const roles = await ask('iam', '2010-05-08', { Action: 'ListRoles' });
    expect(decodeURIComponent(roles)).toContain('pods.eks.amazonaws.com');
  });

  it('refuses a template that refers to what is not there', async () => {
    const of = structuredClone(template('production', 'operations'));
    const [id] = Object.keys(of.Resources);
    Object.assign(of.Resources[id as string]?.Properties ?? {}, { KmsKeyId: { Ref: 'nowhere' } });
    expect(await create('dangling', of)).not.toBe('CREATE_COMPLETE');
  });
});
