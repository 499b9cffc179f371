import { CfnPodIdentityAssociation } from 'aws-cdk-lib/aws-eks';
import type { ICluster } from 'aws-cdk-lib/aws-eks-v2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

export interface PodIdentityProps {
  cluster: ICluster;
  /** Service account of the pods; made by somebody else. */
  namespace: string;
  serviceAccount: string;
}

/** A role that the pods of one service account get by Pod Identity. It may do nothing yet. */
export class PodIdentity extends Construct {
  readonly role: iam.Role;

  constructor(scope: Construct, id: string, { cluster, namespace, serviceAccount }: PodIdentityProps) {
    super(scope, id);
    this.role = new iam.Role(this, 'role', {
      assumedBy: new iam.ServicePrincipal('pods.eks.amazonaws.com').withSessionTags(),
      description: `Pods of ${namespace}/${serviceAccount}`,
    });
    new CfnPodIdentityAssociation(this, 'association', {
      clusterName: cluster.clusterName,
      namespace,
      serviceAccount,
      roleArn: this.role.roleArn,
    });
  }
}
