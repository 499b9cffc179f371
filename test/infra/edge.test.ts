import { accountId } from '../../config/account.ts';
import { ofType, only, propertiesOf, template, templates } from './support/templates.ts';

const environments = ['production', 'staging'] as const;

describe('P5 the registry', () => {
  const registry = templates().get('slipway-registry');
  if (registry === undefined) throw new Error('no registry');
  const repository = only(registry, 'AWS::ECR::Repository');

  it('takes each tag once, scans what is pushed, and outlives everything', () => {
    expect(repository).toMatchObject({
      RepositoryName: 'slipway',
      ImageTagMutability: 'IMMUTABLE',
      ImageScanningConfiguration: { ScanOnPush: true },
      EncryptionConfiguration: { EncryptionType: 'KMS' },
    });
    expect(Object.values(registry.Resources)[0]?.DeletionPolicy).toBe('RetainExceptOnCreate');
  });

  it('forgets what was never tagged, and no image that may run', () => {
    const { rules } = JSON.parse((repository.LifecyclePolicy as { LifecyclePolicyText: string }).LifecyclePolicyText);
    expect(rules.map(({ selection }: { selection: unknown }) => selection)).toEqual([
      { tagStatus: 'untagged', countType: 'sinceImagePushed', countNumber: 7, countUnit: 'days' },
    ]);
  });
});

describe('O4 R3 logs', () => {
  it.each(environments)('of %s are all kept for a time, none for ever', (name) => {
    const days = name === 'production' ? 90 : 14;
    for (const stack of ['network', 'operations', 'data', 'edge', 'cluster']) {
      const of = template(name, stack);
      for (const group of propertiesOf(of, 'AWS::Logs::LogGroup')) expect(group.RetentionInDays).toBe(days);
      // A function without a group of its own makes one that is kept for ever.
      for (const each of propertiesOf(of, 'AWS::Lambda::Function')) {
        expect(each.LoggingConfig).toMatchObject({ LogGroup: expect.anything() });
      }
    }
  });

  it.each(environments)('of cluster, applications and nodes in %s have groups before anything writes', (name) => {
    const names = propertiesOf(template(name, 'operations'), 'AWS::Logs::LogGroup').map(
      ({ LogGroupName }) => LogGroupName,
    );
    expect(names).toEqual([
      `/aws/eks/slipway-${name}/cluster`,
      ...['application', 'dataplane', 'host', 'performance'].map(
        (kind) => `/aws/containerinsights/slipway-${name}/${kind}`,
      ),
    ]);
  });

  it.each(environments)('of the database in %s have groups of the name that RDS writes to', (name) => {
    const of = template(name, 'data');
    const groups = propertiesOf(of, 'AWS::Logs::LogGroup').map(({ LogGroupName }) => LogGroupName);
    for (const { DBInstanceIdentifier } of propertiesOf(of, 'AWS::RDS::DBInstance')) {
      expect(groups).toContain(`/aws/rds/instance/${DBInstanceIdentifier}/postgresql`);
    }
    // RDS would make them first, and keep its logs for ever.
    for (const { DependsOn } of Object.values(ofType(of, 'AWS::RDS::DBInstance'))) {
      expect([DependsOn ?? []].flat().filter((id) => of.Resources[id]?.Type === 'AWS::Logs::LogGroup')).toHaveLength(2);
    }
  });
});

it.each(environments)('alarms of %s go to encrypted topics that only this account may use', (name) => {
  const of = template(name, 'operations');
  expect(propertiesOf(of, 'AWS::SNS::Topic')).toEqual(
    ['page', 'ticket'].map((severity) =>
      expect.objectContaining({ TopicName: `slipway-${name}-${severity}`, KmsMasterKeyId: expect.anything() }),
    ),
  );
  const policies = propertiesOf(of, 'AWS::SNS::TopicPolicy');
  expect(policies).toHaveLength(2);
  for (const { PolicyDocument } of policies) {
    const { Statement } = PolicyDocument as { Statement: Record<string, unknown>[] };
    expect(Statement).toContainEqual(
      expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
    );
    for (const each of Statement.filter(({ Effect }) => Effect === 'Allow')) {
      expect(each.Principal).toEqual({ Service: 'cloudwatch.amazonaws.com' });
      expect(each.Condition).toEqual({ StringEquals: { 'aws:SourceAccount': accountId } });
    }
  }
});

it.each(environments)(
  'E6 the web ACL of %s has the name that the Ingress uses, and a log without keys and cookies',
  (name) => {
    const of = template(name, 'edge');
    expect(only(of, 'AWS::WAFv2::WebACL')).toMatchObject({
      Name: `slipway-${name}`,
      Scope: 'REGIONAL',
      DefaultAction: { Allow: {} },
    });
    expect(only(of, 'AWS::WAFv2::LoggingConfiguration').RedactedFields).toEqual(
      ['x-api-key', 'cookie', 'authorization'].map((Name) => ({ SingleHeader: { Name } })),
    );
    const [log] = propertiesOf(of, 'AWS::Logs::LogGroup');
    expect(log?.LogGroupName).toBe(`aws-waf-logs-slipway-${name}`);
  },
);
