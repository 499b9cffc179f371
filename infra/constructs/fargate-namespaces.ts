import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import { type Cluster, FargateProfile } from 'aws-cdk-lib/aws-eks-v2';

/**
 * Makes the namespaces whose pods run on Fargate, each with a policy that puts its pods into a group; without one they
 * would be in the cluster's own group, which nodes and stores do not admit.
 *
 * Only this group: its rules are those that a kubelet needs, too, and the load balancer controller refuses an interface
 * with two groups that carry the cluster's tag, as the cluster's own does.
 * Sources: EKS user guide, "Assign security groups to individual Pods"; aws-load-balancer-controller, issue 1897.
 */
export function addFargateNamespaces(cluster: Cluster, names: readonly string[], group: ec2.ISecurityGroup): void {
  const profiles = cluster.node.findAll().filter((each) => each instanceof FargateProfile);
  for (const name of names) {
    const made = cluster.addManifest(
      `fargate-${name}`,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
      {
        apiVersion: 'vpcresources.k8s.aws/v1beta1',
        kind: 'SecurityGroupPolicy',
        metadata: { namespace: name, name: 'nodes' },
        spec: { podSelector: {}, securityGroups: { groupIds: [group.securityGroupId] } },
      },
    );
    // Deleted in reverse: pods, and their interfaces with the group, go while Fargate still answers for them.
    made.node.addDependency(...profiles);
  }
}
