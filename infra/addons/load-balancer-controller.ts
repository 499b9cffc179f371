import { AwsLoadBalancerControllerAddOn, type ClusterAddOn } from '@aws-quickstart/eks-blueprints';
import { ServiceAccount } from 'aws-cdk-lib/aws-eks-v2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { charts } from './versions.ts';

/**
 * Makes load balancers of Ingresses, and associates the web ACL that an Ingress names.
 *
 * @param tags of every load balancer, target group and security group that it makes: no stack knows those
 */
export function loadBalancerController(tags: Readonly<Record<string, string>>): ClusterAddOn {
  const addOn = new AwsLoadBalancerControllerAddOn({
    version: charts.loadBalancerController,
    enableWafv2: true,
    values: { replicaCount: 2, defaultTags: tags },
  });
  return {
    id: 'load-balancer-controller',
    async deploy(info) {
      const chart = await addOn.deploy(info);
      const account = info.cluster.node.findChild('aws-load-balancer-controller');
      if (!(account instanceof ServiceAccount)) {
        throw new Error(
          'The load balancer add-on of EKS Blueprints has changed: look at infra/addons/load-balancer-controller.ts.',
        );
      }
      // It looks a web ACL up by its name; without this right it says nothing and attaches none. There is no narrower resource.
      account.addToPrincipalPolicy(new iam.PolicyStatement({ actions: ['wafv2:ListWebACLs'], resources: ['*'] }));
      return chart;
    },
  } as ClusterAddOn & { id: string };
}
