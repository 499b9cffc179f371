import { GenericClusterProviderV2, type GenericClusterProviderV2Props } from '@aws-quickstart/eks-blueprints';
import { Lazy } from 'aws-cdk-lib';
import * as eks from 'aws-cdk-lib/aws-eks-v2';
import type { Construct } from 'constructs';

/** The CDK writes it on every service account. A role that Pod Identity hands out does not trust whoever comes by it. */
const noRole = { 'eks.amazonaws.com/role-arn': Lazy.string({ produce: () => undefined }) };

/** A cluster whose service accounts get their roles by Pod Identity, unless one asks for something else. */
class PodIdentityCluster extends eks.Cluster {
  override addServiceAccount(id: string, options: eks.ServiceAccountOptions = {}): eks.ServiceAccount {
    const identityType = options.identityType ?? eks.IdentityType.POD_IDENTITY;
    const without = identityType === eks.IdentityType.POD_IDENTITY ? noRole : {};
    return super.addServiceAccount(id, {
      ...options,
      identityType,
      annotations: { ...options.annotations, ...without },
    });
  }
}

/** Makes the cluster for the blueprint. Add-ons of the blueprint would use OpenID Connect; through this cluster they do not. */
export class ClusterProvider extends GenericClusterProviderV2 {
  constructor(props: GenericClusterProviderV2Props) {
    super({ ...props, defaultCapacityType: eks.DefaultCapacityType.NODEGROUP });
  }

  protected override internalCreateCluster(
    scope: Construct,
    id: string,
    { mastersRole, ...options }: eks.ClusterProps,
  ): eks.Cluster {
    // Made by the blueprint where none is given, for everybody in the account. Administrators are granted access one by one.
    if (mastersRole !== undefined) scope.node.tryRemoveChild(mastersRole.node.id);
    return new PodIdentityCluster(scope, id, { ...options, outputConfigCommand: false });
  }
}
