// What must hold for every template, whatever is in it. A check returns the faults that it finds.
import type { Json, Resource, Template } from './templates.ts';

type Check = (id: string, resource: Resource) => string | undefined;

/** Types that take tags. Source: CloudFormation's resource reference. */
const taggable =
  /^AWS::(EC2::(VPC|Subnet|RouteTable|EIP|NatGateway|InternetGateway|NetworkAcl|SecurityGroup|FlowLog|VPCEndpoint)|S3::Bucket|KMS::Key|RDS::(DBInstance|DBSubnetGroup|DBParameterGroup)|ElastiCache::(ReplicationGroup|User|UserGroup|SubnetGroup)|SecretsManager::Secret|Lambda::Function|Logs::LogGroup|IAM::Role|SNS::Topic|SQS::Queue|ECR::Repository|WAFv2::WebACL|EC2::LaunchTemplate|EKS::(Cluster|Nodegroup|FargateProfile|Addon|AccessEntry|PodIdentityAssociation)|Route53::HostedZone|SSM::Parameter|Events::Rule|CertificateManager::Certificate|CloudWatch::(Alarm|Dashboard))$/;

const isList = (value: Json | undefined): value is Json[] => Array.isArray(value);
type Members = Record<string, Json>;

const tags: Check = (_, { Type, Properties }) => {
  if (!taggable.test(Type)) return undefined;
  const complete = tagSets(Properties).every((set) =>
    ['service', 'environment'].every((key) => keysOf(set).includes(key)),
  );
  return complete ? undefined : 'lacks the tags service and environment';
};

/** The tags of a resource, and of what a launch template makes. */
function tagSets({ Tags, HostedZoneTags, TagSpecifications, LaunchTemplateData }: Members): (Json | undefined)[] {
  if (LaunchTemplateData === undefined) return [Tags ?? HostedZoneTags];
  const specifications = [TagSpecifications, (LaunchTemplateData as Members).TagSpecifications];
  return specifications.flatMap((each) =>
    isList(each) && each.length > 0 ? each.map((of) => (of as Members).Tags) : [undefined],
  );
}

/** Most types have a list, some an object. */
const keysOf = (tags: Json | undefined): string[] =>
  isList(tags) ? tags.map((tag) => String((tag as Members).Key)) : Object.keys(tags ?? {});

/** Stores, and the property that encrypts each. */
const encryption: Readonly<Record<string, (properties: Members) => boolean>> = {
  'AWS::RDS::DBInstance': (p) => p.StorageEncrypted === true || p.SourceDBInstanceIdentifier !== undefined,
  'AWS::ElastiCache::ReplicationGroup': (p) =>
    p.AtRestEncryptionEnabled === true && p.TransitEncryptionEnabled === true,
  'AWS::S3::Bucket': (p) => p.BucketEncryption !== undefined,
  'AWS::SecretsManager::Secret': (p) => p.KmsKeyId !== undefined,
  'AWS::SNS::Topic': (p) => p.KmsMasterKeyId !== undefined,
  'AWS::ECR::Repository': (p) => p.EncryptionConfiguration !== undefined,
  'AWS::EKS::Cluster': (p) => p.EncryptionConfig !== undefined,
};
const encrypted: Check = (_, { Type, Properties }) =>
  encryption[Type]?.(Properties) === false ? 'is not encrypted' : undefined;

/** Only the load balancer, whose group is named so, admits the internet; and not on every port. */
const closed: Check = (id, { Type, Properties }) => {
  const rules =
    Type === 'AWS::EC2::SecurityGroup'
      ? ((Properties.SecurityGroupIngress ?? []) as Members[])
      : Type === 'AWS::EC2::SecurityGroupIngress'
        ? [Properties]
        : [];
  const open = rules.filter(({ CidrIp, CidrIpv6 }) => CidrIp === '0.0.0.0/0' || CidrIpv6 === '::/0');
  const fine = open.every(({ FromPort, ToPort }) => [80, 443].includes(Number(FromPort)) && FromPort === ToPort);
  return open.length === 0 || (fine && id.includes('loadbalancer')) ? undefined : 'admits the internet';
};

const actions: Check = (_, { Type, Properties }) => {
  if (!/^AWS::IAM::(Policy|ManagedPolicy|Role)$/.test(Type)) return undefined;
  const documents = [
    Properties.PolicyDocument,
    ...((Properties.Policies ?? []) as Members[]).map(({ PolicyDocument }) => PolicyDocument),
  ].filter((each) => each !== undefined) as { Statement: Members[] }[];
  const wide = documents
    .flatMap(({ Statement }) => Statement)
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap(({ Action }) => [Action].flat())
    .find((action) => action === '*' || /^[\w-]+:\*$/.test(String(action)));
  return wide === undefined ? undefined : `allows ${String(wide)}`;
};

/** Only a condition may say who of everybody is meant. */
const principals: Check = (_, { Properties }) => {
  const { KeyPolicy, PolicyDocument, AssumeRolePolicyDocument, RepositoryPolicyText } = Properties;
  const open = [KeyPolicy, PolicyDocument, AssumeRolePolicyDocument, RepositoryPolicyText]
    .flatMap((policy) => ((policy as Members | undefined)?.Statement ?? []) as Members[])
    .some(
      ({ Effect, Principal, Condition }) =>
        Effect === 'Allow' && Object.keys(Condition ?? {}).length === 0 && named(Principal).includes('*'),
    );
  return open ? 'admits everybody' : undefined;
};

/** Principals are a star or, by kind, one or a list. */
const named = (principal: Json | undefined): Json[] =>
  typeof principal === 'object' && principal !== null ? Object.values(principal).flat() : [principal ?? ''];

const kept: Check = (_, { Type, Properties }) =>
  Type === 'AWS::Logs::LogGroup' && Properties.RetentionInDays === undefined ? 'keeps its logs for ever' : undefined;

/** @returns faults, each with the logical id that has it */
export const faults = ({ Resources }: Template): string[] =>
  Object.entries(Resources).flatMap(([id, resource]) =>
    [tags, encrypted, closed, actions, principals, kept]
      .map((check) => check(id, { ...resource, Properties: resource.Properties ?? {} }))
      .filter((fault) => fault !== undefined)
      .map((fault) => `${id} ${fault}`),
  );
