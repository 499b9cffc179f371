import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { type Identity, labels, selectorLabels } from './labels.ts';

/** Who is at the other end of a flow. */
export type Peer =
  /** Addresses, less some of them. */
  | { cidr: string; except?: readonly string[] }
  /** Pods of a namespace (by its name), all of them or those with these labels. */
  | { namespace: string; pods?: Readonly<Record<string, string>> }
  /** Pods of the same namespace. */
  | { pods: Readonly<Record<string, string>> };

export interface Flow {
  peers: readonly Peer[];
  /** Numbers: names are looked up by each network plugin in its own way, and that of AWS knows no port of a sidecar. */
  ports: readonly number[];
  /** @default TCP */
  protocols?: readonly ('TCP' | 'UDP')[];
}

export interface AllowedFlowsProps {
  namespace: string;
  identity: Identity;
  /** Of the policy. @default the component */
  name?: string;
  /** Into the pods. @default nothing */
  ingress?: readonly Flow[];
  /** Out of the pods. @default nothing */
  egress?: readonly Flow[];
}

/**
 * The flows of the pods that `identity` selects; all others are refused. Probes need no rule: what the kubelet sends to pods
 * of its own node always passes (kubernetes.io, "Network Policies").
 */
export class AllowedFlows extends Construct {
  constructor(scope: Construct, id: string, props: AllowedFlowsProps) {
    super(scope, id);
    const { namespace, identity, name = identity.component, ingress = [], egress = [] } = props;
    new k8s.KubeNetworkPolicy(this, 'policy', {
      metadata: { namespace, name, labels: labels(identity) },
      spec: {
        podSelector: { matchLabels: selectorLabels(identity) },
        policyTypes: ['Ingress', 'Egress'],
        ...(ingress.length === 0
          ? {}
          : { ingress: ingress.map((flow) => ({ from: flow.peers.map(peer), ports: ports(flow) })) }),
        ...(egress.length === 0
          ? {}
          : { egress: egress.map((flow) => ({ to: flow.peers.map(peer), ports: ports(flow) })) }),
      },
    });
  }
}

/** Refuses every flow of every pod of the namespace that no other policy allows. */
export class DefaultDeny extends Construct {
  constructor(scope: Construct, id: string, { namespace, identity }: { namespace: string; identity: Identity }) {
    super(scope, id);
    new k8s.KubeNetworkPolicy(this, 'policy', {
      metadata: { namespace, name: 'default-deny', labels: labels(identity) },
      spec: { podSelector: {}, policyTypes: ['Ingress', 'Egress'] },
    });
  }
}

/** Names are asked of CoreDNS, over UDP, and over TCP when an answer is long. */
export const dns: Flow = {
  peers: [{ namespace: 'kube-system', pods: { 'k8s-app': 'kube-dns' } }],
  ports: [53],
  protocols: ['UDP', 'TCP'],
};

function peer(to: Peer): k8s.NetworkPolicyPeer {
  if ('cidr' in to) {
    const { cidr, except = [] } = to;
    return { ipBlock: { cidr, ...(except.length === 0 ? {} : { except: [...except] }) } };
  }
  return {
    ...('namespace' in to
      ? { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': to.namespace } } }
      : {}),
    ...(to.pods === undefined ? {} : { podSelector: { matchLabels: to.pods } }),
  };
}

const ports = ({ ports: wanted, protocols = ['TCP'] }: Flow): k8s.NetworkPolicyPort[] =>
  wanted.flatMap((port) => protocols.map((protocol) => ({ protocol, port: k8s.IntOrString.fromNumber(port) })));
