// Roles of pods on Fargate, where Pod Identity has no agent: staging with two namespaces there.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { faults } from './support/checks.ts';
import {
  type Json,
  ofType,
  propertiesOf,
  type Resource,
  root,
  statements,
  type Template,
} from './support/templates.ts';
import { makeVariants } from './support/variants.ts';

const namespaces = ['batch', 'reports'];
let of: Template;

beforeAll(() => {
  const made = makeVariants('staging', { changed: { aws: { cluster: { fargateNamespaces: namespaces } } } });
  of = made.of('changed', 'cluster');
  made.remove();
});

interface Trust {
  Statement: { Condition: Record<string, Record<string, string>> }[];
}

/** The role of a namespace: its id, and whom it trusts, where PROVIDER is the ARN of the cluster's, and ISSUER its name. */
function roleOf(namespace: string): { id: string; trust: Trust } {
  const [provider] = Object.keys(ofType(of, 'AWS::IAM::OIDCProvider'));
  const arn = { Ref: provider };
  const names = new Map([
    [JSON.stringify(arn), 'PROVIDER'],
    [JSON.stringify({ 'Fn::Select': [1, { 'Fn::Split': [':oidc-provider/', arn] }] }), 'ISSUER'],
  ]);
  const found = Object.entries(ofType(of, 'AWS::IAM::Role')).filter(([id]) => id.startsWith(`fargate${namespace}role`));
  expect(found).toHaveLength(1);
  const [id, { Properties }] = found[0] as [string, Resource];
  const [, parts] = (Properties.AssumeRolePolicyDocument as { 'Fn::Join': [string, Json[]] })['Fn::Join'];
  const text = parts.map((part) => (typeof part === 'string' ? part : names.get(JSON.stringify(part)))).join('');
  return { id, trust: JSON.parse(text) };
}

const like = (pattern: string, value = '') => new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(value);

/** Whether a token of these claims gets the role. */
const admits = ({ Statement }: Trust, claims: Record<string, string>): boolean =>
  Statement.every(({ Condition: { StringEquals = {}, StringLike = {} } }) =>
    [
      ...Object.entries(StringEquals).map(([claim, value]) => claims[claim] === value),
      ...Object.entries(StringLike).map(([claim, pattern]) => like(pattern, claims[claim])),
    ].every(Boolean),
  );
const token = (sub: string, aud = 'sts.amazonaws.com') => ({ 'ISSUER:sub': sub, 'ISSUER:aud': aud });

describe('C1 the role of pods on Fargate', () => {
  it.each(namespaces)(
    'in %s trusts the account of the service’s name there by OpenID Connect, exactly',
    (namespace) => {
      expect(roleOf(namespace).trust).toEqual({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Action: 'sts:AssumeRoleWithWebIdentity',
            Principal: { Federated: 'PROVIDER' },
            Condition: {
              StringEquals: {
                'ISSUER:aud': 'sts.amazonaws.com',
                'ISSUER:sub': `system:serviceaccount:${namespace}:slipway`,
              },
            },
          },
        ],
      });
    },
  );

  it.each([
    ['its own account', token('system:serviceaccount:batch:slipway'), true],
    ['another account of the namespace', token('system:serviceaccount:batch:default'), false],
    ['an account whose name goes on', token('system:serviceaccount:batch:slipway-admin'), false],
    ['the account of that name in another namespace', token('system:serviceaccount:reports:slipway'), false],
    ['the service’s own', token('system:serviceaccount:slipway:slipway'), false],
    ['a token for somebody else', token('system:serviceaccount:batch:slipway', 'kubernetes.default.svc'), false],
    ['a token of another cluster', { 'OTHER:sub': 'system:serviceaccount:batch:slipway' }, false],
  ])('judges %s', (_, claims, admitted) => {
    expect(admits(roleOf('batch').trust, claims as Record<string, string>)).toBe(admitted);
  });

  it.each(namespaces)('in %s may do what the pods of the service may, and nothing else', (namespace) => {
    const { id } = roleOf(namespace);
    expect(statements(of, new RegExp(`^${id}$`))).toEqual(statements(of, /^workloadrole/));
    expect(statements(of, /^workloadrole/)).toHaveLength(3);
    expect(Object.keys(of.Resources[id]?.Properties ?? {}).sort()).toEqual([
      'AssumeRolePolicyDocument',
      'Description',
      'Tags',
    ]);
  });

  it('is the only one that is got by OpenID Connect', () => {
    const trusting = propertiesOf(of, 'AWS::IAM::Role').filter(({ AssumeRolePolicyDocument }) =>
      JSON.stringify(AssumeRolePolicyDocument).includes('WebIdentity'),
    );
    expect(trusting).toHaveLength(namespaces.length);
    const associations = propertiesOf(of, 'AWS::EKS::PodIdentityAssociation').map(({ Namespace }) => Namespace);
    expect(associations.filter((each) => namespaces.includes(String(each)))).toEqual([]);
  });

  it('is put out by the name under which docs/aws.md has it looked up', () => {
    const exported = Object.values(of.Outputs ?? {}).filter(({ Export }) =>
      String(Export?.Name).startsWith('slipway-staging-fargate-'),
    );
    expect(exported).toEqual(
      namespaces.map((namespace) => ({
        Description: `Role of ${namespace}/slipway on Fargate`,
        Value: { 'Fn::GetAtt': [roleOf(namespace).id, 'Arn'] },
        Export: { Name: `slipway-staging-fargate-${namespace}` },
      })),
    );
    expect(readFileSync(join(root, 'docs', 'aws.md'), 'utf8')).toContain("ExportName=='slipway-staging-fargate-batch'");
  });

  it('leaves the stack tagged, closed and narrow', () => {
    expect(faults(of)).toEqual([]);
  });
});
