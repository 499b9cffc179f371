import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { type Identity, labels, selectorLabels } from './labels.ts';

export interface ServicePortProps {
  namespace: string;
  identity: Identity;
  /** Name of a container's port → port of the Service. */
  ports: Readonly<Record<string, number>>;
  /** Port on each node for `http`, where there is no load balancer. @default none */
  nodePort?: number | undefined;
}

/**
 * The address of a service inside the cluster.
 *
 * `trafficDistribution` is left unset on purpose. The load balancer talks to pods directly and never passes here, so it would
 * save no cross-zone traffic; and callers in one zone would load only the pods of that zone, while the HPA looks at the
 * average of all.
 */
export class ServicePort extends Construct {
  constructor(scope: Construct, id: string, { namespace, identity, ports, nodePort }: ServicePortProps) {
    super(scope, id);
    new k8s.KubeService(this, 'service', {
      metadata: { namespace, name: identity.name, labels: labels(identity) },
      spec: {
        type: nodePort === undefined ? 'ClusterIP' : 'NodePort',
        selector: selectorLabels(identity),
        ports: Object.entries(ports).map(([name, port]) => ({
          name,
          port,
          targetPort: k8s.IntOrString.fromString(name),
          protocol: 'TCP',
          ...(name === 'http' && nodePort !== undefined ? { nodePort } : {}),
        })),
      },
    });
  }
}
