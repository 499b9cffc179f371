import { k8s } from 'cdk8s-plus-28';
import type { Construct } from 'constructs';
import { labels } from '../constructs/labels.ts';
import { type ChartInput, parts } from './parts.ts';

/** The version whose rules of Pod Security hold, whatever the cluster's own is. */
const podSecurityVersion = 'v1.35';

export function namespace(scope: Construct, { environment }: ChartInput): void {
  const identity = parts(environment).namespace;
  new k8s.KubeNamespace(scope, 'namespace', {
    metadata: {
      name: environment.namespace,
      labels: {
        ...labels(identity),
        'pod-security.kubernetes.io/enforce': 'restricted',
        'pod-security.kubernetes.io/enforce-version': podSecurityVersion,
        'pod-security.kubernetes.io/warn': 'restricted',
        'pod-security.kubernetes.io/audit': 'restricted',
        // Each pod waits for the load balancer to know it before it counts as ready.
        'elbv2.k8s.aws/pod-readiness-gate-inject': 'enabled',
      },
    },
  });
}
