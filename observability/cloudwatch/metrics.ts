// Metrics by what they are about, with the dimensions that their publisher gives them.
import type { Facts } from './facts.ts';
import type { Metric, Search, Statistic } from './model.ts';

export const minute = 60;

type Make = (name: string, statistic: Statistic, periodSeconds?: number) => Metric;
const metric =
  (namespace: string, dimensions: Readonly<Record<string, string>>): Make =>
  (name, statistic, periodSeconds = minute) => ({ namespace, name, dimensions, statistic, periodSeconds });

/** Of the pods of the Deployment: Container Insights calls the name of what made a pod PodName. */
export const ofPods = ({ cluster, namespace, service }: Facts): Make =>
  metric('ContainerInsights', { ClusterName: cluster, Namespace: namespace, PodName: service });

/** Of the pods behind the Service. */
export const ofService = ({ cluster, namespace, service }: Facts): Make =>
  metric('ContainerInsights', { ClusterName: cluster, Namespace: namespace, Service: service });

/** Of the whole cluster. */
export const ofCluster = ({ cluster }: Facts): Make => metric('ContainerInsights', { ClusterName: cluster });

/** Of the service's own log, by the metric filters of publisher.ts. */
export const ofLog = ({ ownNamespace }: Facts): Make => metric(ownNamespace, {});

export const ofDatabase = (identifier: string): Make => metric('AWS/RDS', { DBInstanceIdentifier: identifier });

/** A node of a Redis cluster is always its node 0001. */
export const ofCacheNode = (node: string): Make =>
  metric('AWS/ElastiCache', { CacheClusterId: node, CacheNodeId: '0001' });

export const ofCertificate = (arn: string): Make => metric('AWS/CertificateManager', { CertificateArn: arn });

/** Of the load balancer, whose id its controller makes: it is found by the name in it. @param byTarget of each target group */
export const ofLoadBalancer =
  ({ loadBalancer }: Facts) =>
  (name: string, statistic: Statistic, byTarget = false): Search => ({
    namespace: 'AWS/ApplicationELB',
    dimensions: byTarget ? ['LoadBalancer', 'TargetGroup'] : ['LoadBalancer'],
    name,
    where: { dimension: 'LoadBalancer', contains: loadBalancer },
    statistic,
    periodSeconds: minute,
  });
