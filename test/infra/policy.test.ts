import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environments } from '../../config/environments.ts';
import { faults } from './support/checks.ts';
import { ofType, outdir, root, type Template, template, templates, texts } from './support/templates.ts';

interface Finding {
  rule: string;
  path: string;
}
/** Findings of cdk-nag and of the CDK's template check that a synth has written down. */
function findings(folder: string): Finding[] {
  const report = JSON.parse(readFileSync(join(folder, 'validation-report.json'), 'utf8')) as {
    pluginReports: {
      pluginName: string;
      violations: { ruleName: string; violatingConstructs: { constructPath: string }[] }[];
    }[];
  };
  return report.pluginReports.flatMap(({ pluginName, violations }) =>
    violations.flatMap(({ ruleName, violatingConstructs }) =>
      violatingConstructs.map(({ constructPath: path }) => ({
        rule: pluginName === 'CloudFormation Validate' ? `CloudFormation-Validate::${ruleName}` : ruleName,
        path,
      })),
    ),
  );
}

/** Made once more by somebody else: with credentials, another account and region around, and no finding acknowledged. */
const elsewhere = mkdtempSync(join(tmpdir(), 'infra-policy-'));
const other = spawnSync('local/node', ['test/infra/support/unacknowledged.ts', elsewhere], {
  cwd: root,
  encoding: 'utf8',
  env: {
    ...process.env,
    AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'nothing',
    AWS_REGION: 'eu-central-1',
    CDK_DEFAULT_ACCOUNT: '999999999999',
    CDK_DEFAULT_REGION: 'eu-central-1',
  },
});
afterAll(() => rmSync(elsewhere, { recursive: true, force: true }));

describe('cdk-nag AwsSolutions', () => {
  it('finds nothing that has no reason', () => {
    expect(existsSync(join(outdir, 'validation-report.json')) ? findings(outdir) : []).toEqual([]);
  });

  it('finds nothing that has no reason with a domain, a zone and Fargate either, which no environment has', () => {
    expect((JSON.parse(other.stdout) as { unexplained: string[] }).unexplained).toEqual([]);
  });

  it('would still find everything that has one', () => {
    const { unused, used } = JSON.parse(other.stdout) as { unused: string[]; used: number };
    expect(unused).toEqual([]);
    expect(used).toBeGreaterThan(30);
    expect(findings(elsewhere).length).toBeGreaterThan(80);
  });
});

/** A production with domain, zone and Fargate: what no environment has. */
const isOfEverything = (name: string) => name.includes('everything');

/** A policy that lets a principal do something, under no condition. */
const admitting = (Principal: string | { AWS: string | readonly string[] }) => ({
  Statement: [{ Effect: 'Allow', Action: 'kms:Decrypt', Resource: '*', Principal }],
});

describe('every template', () => {
  const all = [...templates(), ...[...templates(elsewhere)].filter(([name]) => isOfEverything(name))];

  it('is looked at, also of an environment with a domain, a zone and Fargate', () => {
    const types = all
      .filter(([name]) => isOfEverything(name))
      .flatMap(([, { Resources }]) => Object.values(Resources).map(({ Type }) => Type));
    for (const type of ['Route53::HostedZone', 'CertificateManager::Certificate', 'EKS::FargateProfile'])
      expect(types).toContain(`AWS::${type}`);
  });

  it.each(all)('%s is tagged, encrypted, closed and narrow', (_, of) => {
    expect(faults(of)).toEqual([]);
  });

  it.each(all)('%s is well within the limits of CloudFormation', (_, of) => {
    expect(Object.keys(of.Resources).length).toBeLessThan(400); // of 500
    expect(Object.keys(of.Outputs ?? {}).length).toBeLessThan(150); // of 200
    expect(Buffer.byteLength(JSON.stringify(of))).toBeLessThan(700_000); // of 1 MB
  });

  it.each([
    [
      'AWS::EC2::SecurityGroup',
      'network',
      'groupsdatabase',
      { SecurityGroupIngress: [{ CidrIp: '0.0.0.0/0', FromPort: 5432, ToPort: 5432 }] },
      'admits the internet',
    ],
    [
      'AWS::EC2::SecurityGroup',
      'network',
      'groupsloadbalancer',
      { SecurityGroupIngress: [{ CidrIp: '0.0.0.0/0', FromPort: 0, ToPort: 65_535 }] },
      'admits the internet',
    ],
    ['AWS::RDS::DBInstance', 'data', 'databasewriter', { StorageEncrypted: false }, 'is not encrypted'],
    [
      'AWS::ElastiCache::ReplicationGroup',
      'data',
      'cachegroup',
      { TransitEncryptionEnabled: false },
      'is not encrypted',
    ],
    ['AWS::S3::Bucket', 'data', 'bucketsfiles', { Tags: [] }, 'lacks the tags'],
    ['AWS::EKS::Cluster', 'cluster', 'cluster', { Tags: [] }, 'lacks the tags'],
    ['AWS::EKS::Nodegroup', 'cluster', 'clusterNodegroup', { Tags: { service: 'slipway' } }, 'lacks the tags'],
    ['AWS::EC2::LaunchTemplate', 'cluster', 'cluster', { TagSpecifications: [] }, 'lacks the tags'],
    [
      'AWS::IAM::Policy',
      'cluster',
      'workload',
      { PolicyDocument: { Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] } },
      'allows s3:*',
    ],
    ['AWS::Logs::LogGroup', 'network', 'flowlogs', { RetentionInDays: null }, 'keeps its logs for ever'],
    ['AWS::KMS::Key', 'data', 'key', { KeyPolicy: admitting({ AWS: '*' }) }, 'admits everybody'],
    ['AWS::S3::BucketPolicy', 'data', 'bucketsfiles', { PolicyDocument: admitting('*') }, 'admits everybody'],
    ['AWS::SNS::TopicPolicy', 'operations', 'page', { PolicyDocument: admitting({ AWS: ['*'] }) }, 'admits everybody'],
    ['AWS::SQS::QueuePolicy', 'cluster', 'karpenter', { PolicyDocument: admitting('*') }, 'admits everybody'],
    [
      'AWS::IAM::Role',
      'cluster',
      'workload',
      { AssumeRolePolicyDocument: admitting({ AWS: '*' }) },
      'admits everybody',
    ],
  ] as const)('with a fault in an %s of %s is told of', (type, stack, part, change, fault) => {
    const of = structuredClone(template('production', stack)) as Template;
    const [id] = Object.keys(ofType(of, type)).filter((each) => each.includes(part));
    const resource = of.Resources[id as string];
    if (resource === undefined) throw new Error(`no ${type} ${part}`);
    Object.assign(resource.Properties, change);
    if ('RetentionInDays' in change) delete resource.Properties.RetentionInDays;
    expect(faults(of)).toEqual([expect.stringContaining(`${id} ${fault}`)]);
  });
});

it('R6 templates are the same bytes whoever makes them, with credentials or without', () => {
  expect(texts(outdir).size).toBe(26);
  const same = [...texts(elsewhere)].filter(([file]) => !isOfEverything(file));
  expect(new Map(same)).toEqual(texts(outdir));
});

it('cfn-lint finds no error and no warning but those that its settings explain', () => {
  const lint = join(root, '.cache', 'python', 'bin', 'cfn-lint');
  const files = [
    ...[...texts(outdir).keys()].map((file) => join(outdir, file)),
    ...[...texts(elsewhere).keys()].filter(isOfEverything).map((file) => join(elsewhere, file)),
  ].filter((file) => file.endsWith('.template.json'));
  const output = execFileSync(
    lint,
    [
      '--config-file',
      join(root, 'infra', 'cfnlint.yaml'),
      '--regions',
      ...new Set(environments.filter(({ aws }) => aws !== undefined).map(({ region }) => region)),
      '--format',
      'parseable',
      '--template',
      ...files,
    ],
    { encoding: 'utf8' },
  );
  expect(output).toBe('');
  expect(files.filter(isOfEverything).length).toBeGreaterThanOrEqual(6);
  expect(files.every((file) => statSync(file).size > 500)).toBe(true);
});

it('docs/aws-network.md is drawn from these templates', () => {
  const { stderr, status } = spawnSync('local/node', ['infra/picture.ts', outdir, '--check'], {
    cwd: root,
    encoding: 'utf8',
  });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
});
