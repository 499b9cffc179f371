// Findings of cdk-nag and of the CDK's own template check that stay, each with its reason. A test holds that each is still needed.
import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { filesBucket, secretPrefix } from '../../config/aws-names.ts';
import type { AwsEnvironment } from '../environment.ts';

export interface Acknowledgement {
  /** Path of the construct below its environment; what is inside is meant, too. */
  at: RegExp;
  findings: (environment: AwsEnvironment) => readonly string[];
  reason: string;
}

const nag = (rule: string) => `AwsSolutions-${rule}`;
const resources = (...patterns: readonly string[]) => patterns.map((pattern) => nag(`IAM5[Resource::${pattern}]`));
const awsPolicies = (...names: readonly string[]) =>
  names.map((name) => nag(`IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/${name}]`));
const always =
  (...findings: readonly string[]) =>
  () =>
    findings;

const nodePolicies = ['AmazonEC2ContainerRegistryReadOnly', 'AmazonEKSWorkerNodePolicy', 'AmazonEKS_CNI_Policy'];
const functionPolicies = ['service-role/AWSLambdaBasicExecutionRole', 'service-role/AWSLambdaVPCAccessExecutionRole'];
const kubectl = /^cluster\/cluster\/KubectlProvider$/;
const karpenterPolicy = (name: string) => new RegExp(`^cluster/cluster/blueprints-addon-karpenter-${name}-policy$`);

export const acknowledgements: readonly Acknowledgement[] = [
  {
    at: /^network\/vpc$/,
    findings: always('CloudFormation-Validate::W3010'),
    reason: 'Zones are written down: a template must not depend on the account that makes it.',
  },
  {
    at: /^network\/acls$/,
    findings: always(nag('VPC3')),
    reason: 'Network ACLs are wanted: a second border beside the security groups, checked by a flow evaluator.',
  },
  {
    at: /^network\/groups\/load-balancer$/,
    findings: always(nag('EC23')),
    reason: 'The load balancer is the one thing that the internet may reach.',
  },
  {
    at: /^data\/cache\/group$/,
    findings: always(nag('AEC5')),
    reason: 'Another port hides nothing: only nodes and the rotation function reach the database subnets.',
  },
  {
    at: /^data\/cache\/group$/,
    findings: always(nag('AEC6')),
    reason: 'Users of Redis itself (a user group) take the place of the one shared AUTH token, and can be rotated.',
  },
  {
    at: /^data\/database\/(writer|reader)$/,
    findings: always(nag('RDS11')),
    reason: 'Another port hides nothing: only nodes and the rotation function reach the database subnets.',
  },
  {
    at: /^data\/database\/reader$/,
    findings: always(nag('RDS2')),
    reason: 'A replica is encrypted as its source is; CloudFormation refuses the property here.',
  },
  {
    at: /^data\/database\/reader$/,
    findings: always(nag('RDS3')),
    reason: 'Reads fall back to the writer, which has a standby.',
  },
  {
    at: /^data\/database\/writer$/,
    findings: ({ aws }) => (aws.database.multiAz ? [] : [nag('RDS3')]),
    reason: 'aws.database.multiAz is off: an environment that may be down while its database is restored.',
  },
  {
    at: /^data\/database\/writer$/,
    findings: ({ aws }) => (aws.protectData ? [] : [nag('RDS10')]),
    reason: 'aws.protectData is off: an environment that is deleted with its data.',
  },
  {
    at: /^data\/database\/monitoring$/,
    findings: always(...awsPolicies('service-role/AmazonRDSEnhancedMonitoringRole')),
    reason: 'The policy that AWS keeps for this role alone.',
  },
  {
    at: /^data\/secrets\/databaseApp[AB]$/,
    findings: always(nag('SMG4')),
    reason: 'Rotated with database/app: its function writes the new password here, too.',
  },
  {
    at: /^data\/secrets\/(databaseMaster|databaseMigrator)$/,
    findings: always(nag('SMG4')),
    reason: 'Used by the jobs of a deployment only, never by the service; docs/aws.md says how to change it.',
  },
  {
    at: /^data\/secrets\/endpoints$/,
    findings: always(nag('SMG4')),
    reason: 'Addresses of the stores: nothing that could be rotated.',
  },
  {
    at: /^data\/rotate-(database|cache)$/,
    findings: always(...awsPolicies(...functionPolicies)),
    reason: 'Writing a log and having an interface in the VPC: no narrower resources exist for the latter.',
  },
  {
    at: /^cluster\/cluster\/Role$/,
    findings: always(...awsPolicies('AmazonEKSClusterPolicy')),
    reason: 'What EKS demands of a cluster; AWS keeps it up to date.',
  },
  {
    at: /^cluster\/cluster$/,
    findings: always('CloudFormation-Validate::W9009'),
    reason: 'EKS calls the property deprecated since it encrypts everything; without it no key of our own is used.',
  },
  {
    at: /^cluster\/cluster\/(Nodegroup[\w-]+\/NodeGroupRole|karpenter-node-role)$/,
    findings: always(...awsPolicies(...nodePolicies)),
    reason: 'What EKS demands of a node; AWS keeps it up to date.',
  },
  {
    at: /^cluster\/cluster\/karpenter-node-role$/,
    findings: always(...awsPolicies('AmazonSSMManagedInstanceCore')),
    reason: 'The way onto a node without SSH, key or open port.',
  },
  {
    at: /^cluster\/cluster\/cloudwatch-agent-sa\/Role$/,
    findings: always(...awsPolicies('CloudWatchAgentServerPolicy', 'AWSXrayWriteOnlyAccess')),
    reason: 'What the CloudWatch agent demands: writing metrics, logs and traces.',
  },
  {
    at: kubectl,
    findings: always(
      ...awsPolicies(...functionPolicies, 'AmazonEC2ContainerRegistryReadOnly'),
      nag(
        'IAM4[Policy::{"Fn::If":["clusterKubectlProviderHandlerHasEcrPublic4D4B3BB8",{"Fn::Join":["",["arn:",{"Ref":"AWS::Partition"},":iam::aws:policy/AmazonElasticContainerRegistryPublicReadOnly"]]},{"Ref":"AWS::NoValue"}]}]',
      ),
      ...resources('<clusterKubectlProviderHandler87A43F30.Arn>:*'),
    ),
    reason: 'The function of the CDK that runs kubectl and helm during a deployment; its policies are the CDK’s.',
  },
  {
    at: kubectl,
    findings: always(nag('L1')),
    reason: 'The runtime that the CDK tests its function with.',
  },
  {
    at: /^cluster\/cluster\/aws-ebs-csi-driver-managed-policy$/,
    findings: always(...resources('*', 'arn:aws:ec2:*:*:snapshot/*', 'arn:aws:ec2:*:*:volume/*')),
    reason: 'Volumes get their ids when they are made; conditions on the driver’s tags limit what it changes.',
  },
  {
    at: /^cluster\/cluster\/aws-load-balancer-controller\/Role$/,
    findings: always(
      ...resources(
        '*',
        'arn:aws:ec2:*:*:security-group/*',
        ...['targetgroup/*/*', 'loadbalancer/net/*/*', 'loadbalancer/app/*/*'].map(balancing),
        ...['listener/net/*/*/*', 'listener/app/*/*/*'].map(balancing),
        ...['listener-rule/net/*/*/*', 'listener-rule/app/*/*/*'].map(balancing),
      ),
    ),
    reason: 'The controller’s published policy: load balancers get their ids when they are made; its tags limit it.',
  },
  {
    at: karpenterPolicy('node-lifecycle'),
    findings: ({ region }) =>
      resources(
        ...['fleet', 'instance', 'launch-template', 'network-interface', 'security-group', 'spot-instances-request']
          .concat('subnet', 'volume')
          .map((kind) => `arn:aws:ec2:${region}:*:${kind}/*`),
        ...['image', 'snapshot'].map((kind) => `arn:aws:ec2:${region}::${kind}/*`),
      ),
    reason: 'Karpenter’s published policy: nodes get their ids when they are made; conditions on its tags limit it.',
  },
  {
    at: karpenterPolicy('resource-discovery'),
    findings: ({ region }) => resources('*', `arn:aws:ssm:${region}::parameter/aws/service/*`),
    reason: 'Reading prices, types, zones and public parameters, which have no narrower resource.',
  },
  {
    at: karpenterPolicy('(iam-integration|zonal-shift)'),
    findings: always(...resources('*')),
    reason: 'Karpenter’s published policy: listing what has no narrower resource.',
  },
  {
    at: /^cluster\/karpenter-queue$/,
    findings: always(nag('SQS3')),
    reason: 'Warnings that are five minutes old are of no use to anybody.',
  },
  {
    at: /^cluster\/cluster\/external-dns\/Role$/,
    findings: ({ aws }) => (aws.zone === undefined ? [] : resources('*')),
    reason: 'Listing hosted zones, which has no narrower resource; records it changes in its own zone only.',
  },
  {
    at: /^cluster\/cluster\/fargate-profile-fargate\/PodExecutionRole$/,
    findings: ({ aws }) =>
      aws.cluster.fargateNamespaces.length === 0 ? [] : awsPolicies('AmazonEKSFargatePodExecutionRolePolicy'),
    reason: 'What EKS demands of a Fargate profile; AWS keeps it up to date.',
  },
  {
    at: /^cluster\/cluster\/external-secrets-sa\/Role$/,
    findings: (environment) =>
      resources(
        `arn:aws:secretsmanager:${environment.region}:${environment.accountId}:secret:${secretPrefix(environment)}/*`,
      ),
    reason: 'The entries of this environment; AWS adds six characters to each name.',
  },
  {
    at: /^cluster\/(workload|fargate-[a-z0-9-]+)\/role$/,
    findings: (environment) => resources(`arn:aws:s3:::${filesBucket(environment)}/*`),
    reason: 'The files of the service: their names are made when they are uploaded.',
  },
];

function balancing(pattern: string): string {
  return `arn:aws:elasticloadbalancing:*:*:${pattern}`;
}

/** @param scope of the environment */
export function acknowledge(scope: IConstruct, environment: AwsEnvironment): void {
  const start = scope.node.path.length + 1;
  for (const construct of scope.node.findAll()) {
    const path = construct.node.path.slice(start);
    for (const { at, findings, reason } of acknowledgements) {
      if (!at.test(path)) continue;
      for (const id of findings(environment)) Validations.of(construct).acknowledge({ id, reason });
    }
  }
}
