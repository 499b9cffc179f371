import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';

/** Key of the nodes' disks and of volumes. They leave with the cluster, and it with them. */
export class VolumeKey extends kms.Key {
  constructor(scope: Construct, id: string, { prefix }: { prefix: string }) {
    super(scope, id, {
      alias: `${prefix}-volumes`,
      description: 'Disks of nodes, volumes of pods',
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const { account, region } = Stack.of(this);
    // What AWS' own key for EBS says: who may use EBS in this account may use the key, through EBS only. Auto Scaling, Karpenter and
    // the driver of volumes need no right of their own then, nor a role that a new account lacks.
    this.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: 'ThroughEbs',
        principals: [new iam.AnyPrincipal()],
        actions: [
          'kms:Encrypt',
          'kms:Decrypt',
          'kms:ReEncrypt*',
          'kms:GenerateDataKey*',
          'kms:CreateGrant',
          'kms:DescribeKey',
        ],
        resources: ['*'],
        conditions: {
          StringEquals: { 'kms:CallerAccount': account, 'kms:ViaService': `ec2.${region}.amazonaws.com` },
        },
      }),
    );
  }
}
