import { type ClusterAddOn, type ClusterInfo, KarpenterV1AddOn } from '@aws-quickstart/eks-blueprints';
import { EbsDeviceVolumeType } from 'aws-cdk-lib/aws-ec2';
import { CfnRule } from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { nodeCpus } from '../../config/instance-types.ts';
import { type AwsEnvironment, costTags } from '../environment.ts';
import { charts } from './versions.ts';

/** Nodes are replaced at this age, so that none misses a month of fixes. */
const expireAfter = '720h';

export interface KarpenterProps {
  cluster: string;
  /** Security group of the nodes. */
  nodesGroupId: string;
  /** Of their disks. */
  volumeKey: kms.IKey;
}

/** Nodes beyond the base, on Spot, while there is load for them; they are emptied and removed when it falls. */
export function karpenter(
  environment: AwsEnvironment,
  { cluster, nodesGroupId, volumeKey }: KarpenterProps,
): ClusterAddOn {
  const { nodes, scaling, aws } = environment;
  const cpus = Math.min(...nodes.instanceTypes.map(nodeCpus));
  const burst = nodes.maxCount - nodes.count;
  const disk = {
    volumeSize: `${aws.cluster.nodeDiskGiB}Gi`,
    volumeType: EbsDeviceVolumeType.GP3,
    encrypted: true,
    // As Karpenter spells it, and the add-on's types do not.
    kmsKeyID: volumeKey.keyArn,
    deleteOnTermination: true,
  };
  const addOn = new KarpenterV1AddOn({
    version: charts.karpenter,
    podIdentity: true,
    interruptionHandling: true,
    ec2NodeClassSpec: {
      amiFamily: 'AL2023',
      // Not a version: a node's fixes come with its image, and nodes are replaced one at a time.
      amiSelectorTerms: [{ alias: 'al2023@latest' }],
      subnetSelectorTerms: [{ tags: { 'karpenter.sh/discovery': cluster } }],
      securityGroupSelectorTerms: [{ id: nodesGroupId }],
      metadataOptions: {
        httpEndpoint: 'enabled',
        httpProtocolIPv6: 'disabled',
        httpPutResponseHopLimit: 1,
        httpTokens: 'required',
      },
      blockDeviceMappings: [
        {
          deviceName: '/dev/xvda',
          ebs: disk,
        },
      ],
      tags: costTags(environment),
    },
    nodePoolSpec: {
      requirements: [
        { key: 'karpenter.sh/capacity-type', operator: 'In', values: ['spot'] },
        { key: 'kubernetes.io/arch', operator: 'In', values: ['amd64'] },
        // Many types of about the size that the numbers of this environment reckon with: the more, the rarer an interruption.
        { key: 'karpenter.k8s.aws/instance-category', operator: 'In', values: ['c', 'm', 'r'] },
        { key: 'karpenter.k8s.aws/instance-generation', operator: 'Gt', values: ['5'] },
        { key: 'karpenter.k8s.aws/instance-cpu', operator: 'In', values: [String(cpus), String(cpus * 2)] },
      ],
      expireAfter,
      // Of 0 it adds none.
      limits: { cpu: burst * cpus },
      disruption: {
        consolidationPolicy: 'WhenEmptyOrUnderutilized',
        consolidateAfter: scaling.scaleIn === 'cost' ? '1m' : '5m',
        budgets: [{ nodes: '1' }],
      },
    },
  });
  return {
    id: 'karpenter',
    async deploy(info) {
      const chart = await addOn.deploy(info);
      repair(info);
      return chart;
    },
  } as ClusterAddOn & { id: string };
}

/** Two faults of the blueprint's add-on: a rule that never fires, for its event type is misspelt, and a queue that takes plain HTTP. */
function repair({ cluster }: ClusterInfo): void {
  const { node } = cluster.stack;
  const rule = node.findChild('inst-state-change-rule').node.defaultChild;
  const queue = node.findChild('karpenter-queue');
  if (!(rule instanceof CfnRule) || !(queue instanceof Queue)) {
    throw new Error('The Karpenter add-on of EKS Blueprints has changed: look at infra/addons/karpenter.ts.');
  }
  rule.eventPattern = { source: ['aws.ec2'], 'detail-type': ['EC2 Instance State-change Notification'] };
  queue.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: 'TlsOnly',
      effect: iam.Effect.DENY,
      principals: [new iam.AnyPrincipal()],
      actions: ['sqs:*'],
      resources: [queue.queueArn],
      conditions: { Bool: { 'aws:SecureTransport': 'false' } },
    }),
  );
}
