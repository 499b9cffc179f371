import timers from 'node:timers/promises';
import { type ElastiCacheClient, ModifyUserCommand } from '@aws-sdk/client-elasticache';
import { accountId } from '../../config/account.ts';
import { elastiCachePasswords } from '../../infra/rotation/elasticache.ts';
import { allStacks } from '../../infra/stack-order.ts';
import { ofType, only, propertiesOf, template, templates } from './support/templates.ts';

const production = template('production', 'data');
const staging = template('staging', 'data');
const of = { production, staging };
const environments = ['production', 'staging'] as const;

const database = (name: keyof typeof of, id: string) =>
  propertiesOf(of[name], 'AWS::RDS::DBInstance').find((p) => p.DBInstanceIdentifier === id) ?? {};
const bucket = (name: keyof typeof of, kind: string) =>
  propertiesOf(of[name], 'AWS::S3::Bucket').find((p) => p.BucketName === `slipway-${name}-${kind}-${accountId}`) ?? {};
const key = { 'Fn::GetAtt': [expect.stringMatching(/^key/), 'Arn'] };

describe('D1 the database', () => {
  it('is PostgreSQL 15 in the database subnets, with a standby in production', () => {
    expect(database('production', 'slipway-production')).toMatchObject({
      Engine: 'postgres',
      EngineVersion: '15.17',
      MultiAZ: true,
      DBInstanceClass: 'db.m7g.large',
      PubliclyAccessible: false,
      StorageType: 'gp3',
      AllocatedStorage: '100',
      MaxAllocatedStorage: 500,
    });
    expect(database('staging', 'slipway-staging')).toMatchObject({ MultiAZ: false, DBInstanceClass: 'db.t4g.medium' });
    for (const name of environments) {
      const subnets = JSON.stringify(only(of[name], 'AWS::RDS::DBSubnetGroup').SubnetIds);
      expect(subnets.match(/databaseSubnet\dSubnet/g)).toHaveLength(2);
      expect(subnets).not.toMatch(/public|private/);
      expect(JSON.stringify(database(name, `slipway-${name}`).VPCSecurityGroups)).toMatch(/groupsdatabase/);
    }
  });

  it('D7 allows the connections that the pods are reckoned with', () => {
    const parameters = (name: keyof typeof of) => only(of[name], 'AWS::RDS::DBParameterGroup').Parameters;
    expect(parameters('production')).toMatchObject({ max_connections: '400' });
    expect(parameters('staging')).toMatchObject({ max_connections: '150' });
  });

  it.each(environments)('D2 of %s is encrypted with a key of our own, and speaks TLS only', (name) => {
    expect(database(name, `slipway-${name}`)).toMatchObject({ StorageEncrypted: true, KmsKeyId: key });
    const group = only(of[name], 'AWS::RDS::DBParameterGroup');
    expect(group.Parameters).toMatchObject({ 'rds.force_ssl': '1', password_encryption: 'scram-sha-256' });
    expect(only(of[name], 'AWS::KMS::Key').EnableKeyRotation).toBe(true);
  });

  it('D3 can be restored to any second of seven days, and production leaves a snapshot', () => {
    for (const name of environments) {
      expect(database(name, `slipway-${name}`)).toMatchObject({ BackupRetentionPeriod: 7, CopyTagsToSnapshot: true });
    }
    expect(database('production', 'slipway-production')).toMatchObject({
      DeletionProtection: true,
      DeleteAutomatedBackups: false,
    });
    const writers = Object.values(ofType(production, 'AWS::RDS::DBInstance')).filter(
      ({ Properties }) => Properties.SourceDBInstanceIdentifier === undefined,
    );
    expect(writers.map(({ DeletionPolicy }) => DeletionPolicy)).toEqual(['Snapshot']);
  });

  it('D4 shows its load and its machine, and keeps up with minor versions', () => {
    for (const each of [
      ...propertiesOf(production, 'AWS::RDS::DBInstance'),
      ...propertiesOf(staging, 'AWS::RDS::DBInstance'),
    ]) {
      expect(each).toMatchObject({
        EnablePerformanceInsights: true,
        DatabaseInsightsMode: 'standard',
        PerformanceInsightsRetentionPeriod: 7,
        PerformanceInsightsKMSKeyId: key,
        MonitoringInterval: 60,
        AutoMinorVersionUpgrade: true,
        EnableCloudwatchLogsExports: ['postgresql', 'upgrade'],
      });
    }
  });

  it('D5 has a replica in production, which inherits its encryption', () => {
    const replica = database('production', 'slipway-production-reader');
    expect(replica).toMatchObject({
      SourceDBInstanceIdentifier: expect.anything(),
      DBParameterGroupName: database('production', 'slipway-production').DBParameterGroupName,
    });
    expect(replica).not.toHaveProperty('StorageEncrypted');
    expect(database('staging', 'slipway-staging-reader')).toEqual({});
  });
});

describe('D6 credentials', () => {
  afterEach(() => jest.restoreAllMocks());

  it.each(environments)('of %s are generated, and nowhere in a template', (name) => {
    const secrets = propertiesOf(of[name], 'AWS::SecretsManager::Secret');
    const users = secrets.filter(({ Name }) => !/endpoints$|database\/app$/.test(String(Name)));
    expect(users).toHaveLength(5);
    for (const each of users) {
      expect(each.GenerateSecretString).toMatchObject({ GenerateStringKey: 'password', PasswordLength: 40 });
      expect(each.SecretString).toBeUndefined();
    }
    for (const each of secrets) expect(each.KmsKeyId).toEqual(key);
    const text = JSON.stringify(of[name]);
    // What names a password refers to one that is generated.
    expect(text.match(/"password\\":\\"(?!\{\{resolve:)/g)).toBeNull();
    expect(text).not.toMatch(/"MasterUserPassword":"/);
  });

  it.each(environments)('of the service in %s are rotated by functions that reach what they need', (name) => {
    const schedules = propertiesOf(of[name], 'AWS::SecretsManager::RotationSchedule');
    expect(schedules.map(({ SecretId }) => JSON.stringify(SecretId)).sort()).toEqual([
      expect.stringContaining('databaseApp'),
      expect.stringContaining('redis'),
    ]);
    for (const each of schedules) {
      expect(each).toMatchObject({
        RotationRules: { ScheduleExpression: 'rate(30 days)' },
        RotateImmediatelyOnUpdate: false,
      });
    }
    const functions = propertiesOf(of[name], 'AWS::Lambda::Function').filter(({ FunctionName }) => FunctionName);
    expect(functions.map(({ FunctionName }) => FunctionName).sort()).toEqual([
      `slipway-${name}-rotate-cache`,
      `slipway-${name}-rotate-database`,
    ]);
    for (const { VpcConfig, Runtime } of functions) {
      expect(Runtime).toBe('nodejs24.x');
      expect(JSON.stringify(VpcConfig)).toMatch(/privateSubnet1.*privateSubnet2/);
      expect(JSON.stringify(VpcConfig)).toMatch(/groupsrotation/);
      expect(JSON.stringify(VpcConfig)).not.toMatch(/databaseSubnet|publicSubnet/);
    }
  });

  it('D9 of Redis: the function says what it waited for in vain a minute before it is ended', async () => {
    const [{ Timeout }] = propertiesOf(production, 'AWS::Lambda::Function').filter(
      ({ FunctionName }) => FunctionName === 'slipway-production-rotate-cache',
    ) as [{ Timeout: number }];
    let nowMs = 0;
    let changed = false;
    jest.spyOn(Date, 'now').mockImplementation(() => nowMs);
    jest.spyOn(timers, 'setTimeout').mockImplementation(async (ms) => {
      nowMs += ms ?? 0;
    });
    const send = async (command: object) => {
      changed ||= command instanceof ModifyUserCommand;
      // An earlier change is under way for almost as long as it may be, and ours never ends.
      return { Users: [{ Status: changed || nowMs < 170_000 ? 'modifying' : 'active' }] };
    };
    const set = elastiCachePasswords({ send } as unknown as ElastiCacheClient, 'the-user');
    await expect(set('', ['before', 'after'])).rejects.toThrow(/^The user the-user is still modifying after \d+ s\.$/);
    expect(changed).toBe(true);
    expect(nowMs).toBeGreaterThan(180_000);
    expect(nowMs).toBeLessThan((Timeout - 55) * 1000);
  });
});

describe('D9 Redis', () => {
  it.each(environments)('of %s has a copy in the other zone that takes over', (name) => {
    expect(only(of[name], 'AWS::ElastiCache::ReplicationGroup')).toMatchObject({
      Engine: 'redis',
      EngineVersion: '7.1',
      NumCacheClusters: 2,
      MultiAZEnabled: true,
      AutomaticFailoverEnabled: true,
      SnapshotRetentionLimit: name === 'production' ? 7 : 1,
    });
    const subnets = JSON.stringify(only(of[name], 'AWS::ElastiCache::SubnetGroup').SubnetIds);
    expect(subnets.match(/databaseSubnet\dSubnet/g)).toHaveLength(2);
  });

  it.each(environments)('D2 of %s is encrypted at rest and on the way, and knows its user', (name) => {
    expect(only(of[name], 'AWS::ElastiCache::ReplicationGroup')).toMatchObject({
      AtRestEncryptionEnabled: true,
      KmsKeyId: key,
      TransitEncryptionEnabled: true,
      TransitEncryptionMode: 'required',
      UserGroupIds: [expect.anything()],
    });
    const users = Object.fromEntries(propertiesOf(of[name], 'AWS::ElastiCache::User').map((p) => [p.UserName, p]));
    expect(users.default).toMatchObject({ AccessString: 'off -@all' });
    expect(users.slipway_app?.AuthenticationMode).toMatchObject({ Type: 'password' });
    expect(JSON.stringify(users.slipway_app?.AuthenticationMode)).toContain('{{resolve:secretsmanager:');
  });
});

describe('D11 buckets', () => {
  it.each(environments.flatMap((name) => ['files', 'logs', 'artifacts'].map((kind) => [kind, name] as const)))(
    '%s of %s is private, versioned, encrypted, and takes TLS only',
    (kind, name) => {
      expect(bucket(name, kind)).toMatchObject({
        VersioningConfiguration: { Status: 'Enabled' },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [
            kind === 'logs'
              ? { ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }
              : {
                  BucketKeyEnabled: true,
                  ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: key },
                },
          ],
        },
      });
      const policies = propertiesOf(of[name], 'AWS::S3::BucketPolicy').map((p) => JSON.stringify(p));
      const [policy] = policies.filter((text) => text.includes(`"Ref":"buckets${kind}`));
      expect(policy).toContain('"Effect":"Deny"');
      expect(policy).toContain('{"aws:SecureTransport":"false"}');
    },
  );

  it('E5 lets load balancers of this account, and no others, write their logs', () => {
    const [statement] = propertiesOf(production, 'AWS::S3::BucketPolicy')
      .flatMap((p) => (p.PolicyDocument as { Statement: Record<string, unknown>[] }).Statement)
      .filter(({ Sid }) => Sid === 'LoadBalancerLogs');
    expect(statement).toMatchObject({
      Effect: 'Allow',
      Action: 's3:PutObject',
      Principal: { Service: 'logdelivery.elasticloadbalancing.amazonaws.com' },
      Condition: {
        ArnLike: { 'aws:SourceArn': `arn:aws:elasticloadbalancing:us-east-1:${accountId}:loadbalancer/*` },
      },
    });
    expect(JSON.stringify(statement?.Resource)).toContain(`/load-balancer/AWSLogs/${accountId}/*`);
  });

  it.each(environments)('D12 R3 of %s move what is old to Glacier and forget uploads that never ended', (name) => {
    const rules = (kind: string) =>
      (bucket(name, kind).LifecycleConfiguration as { Rules: Record<string, unknown>[] }).Rules;
    for (const kind of ['files', 'logs', 'artifacts']) {
      expect(rules(kind)).toContainEqual(
        expect.objectContaining({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 }, Status: 'Enabled' }),
      );
    }
    expect(rules('files')).toContainEqual(
      expect.objectContaining({
        Transitions: [{ StorageClass: 'GLACIER_IR', TransitionInDays: 90 }],
        NoncurrentVersionTransitions: [{ StorageClass: 'GLACIER', TransitionInDays: 30 }],
        NoncurrentVersionExpiration: { NoncurrentDays: 365 },
      }),
    );
    // An access log is read for weeks, if at all; what a build has left is needed at once, whatever its age.
    expect(rules('logs')).toContainEqual(
      expect.objectContaining({
        Transitions: [{ StorageClass: 'GLACIER', TransitionInDays: 90 }],
        ExpirationInDays: 365,
      }),
    );
    expect(rules('artifacts')).toContainEqual(
      expect.objectContaining({ Transitions: [{ StorageClass: 'GLACIER_IR', TransitionInDays: 90 }] }),
    );
    for (const kind of ['files', 'artifacts'])
      for (const rule of rules(kind)) expect(rule).not.toHaveProperty('ExpirationInDays');
  });
});

it('production keeps or snapshots everything that holds data; staging leaves with its stack', () => {
  const stateful = /^AWS::(S3::Bucket|KMS::Key|SecretsManager::Secret|RDS::DBInstance|ElastiCache::ReplicationGroup)$/;
  const policies = (name: keyof typeof of) =>
    Object.values(of[name].Resources)
      .filter(({ Type, Properties }) => stateful.test(Type) && Properties.SourceDBInstanceIdentifier === undefined)
      .map(({ DeletionPolicy }) => DeletionPolicy ?? 'Delete');
  expect(policies('production')).toHaveLength(13);
  // A creation that fails leaves nothing: what kept its name would be in the way of the next one.
  expect(new Set(policies('production'))).toEqual(new Set(['RetainExceptOnCreate', 'Snapshot']));
  expect(new Set(policies('staging'))).toEqual(new Set(['Delete']));
});

it('nothing that a failed creation would leave keeps a name, in any stack', () => {
  for (const [name, { Resources }] of templates()) {
    const left = Object.entries(Resources).filter(([, { DeletionPolicy }]) => DeletionPolicy === 'Retain');
    expect({ name, left }).toEqual({ name, left: [] });
  }
});

it('O4 the logs of production outlive their stacks, those of the functions that come with the CDK aside', () => {
  for (const stack of allStacks) {
    const groups = Object.values(ofType(template('production', stack), 'AWS::Logs::LogGroup'));
    for (const { DeletionPolicy, Properties } of groups.filter((each) => each.Properties.LogGroupName !== undefined))
      expect([Properties.LogGroupName, DeletionPolicy]).toEqual([Properties.LogGroupName, 'RetainExceptOnCreate']);
  }
});

it('D6 functions that rotate use the key for secrets only', () => {
  for (const name of environments) {
    const statements = propertiesOf(of[name], 'AWS::IAM::Policy').flatMap(
      ({ PolicyDocument }) =>
        (PolicyDocument as { Statement: { Action: string | string[]; Condition?: unknown }[] }).Statement,
    );
    const uses = statements.filter(({ Action }) => [Action].flat().some((action) => action.startsWith('kms:')));
    expect(uses).toHaveLength(2);
    for (const { Condition } of uses)
      expect(Condition).toEqual({ StringEquals: { 'kms:ViaService': 'secretsmanager.us-east-1.amazonaws.com' } });
  }
});
