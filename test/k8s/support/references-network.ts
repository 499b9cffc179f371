// What NetworkPolicies name: the pods that they are for, the pods at the other end, and ports.
import { type Check, type Labels, matches, perObject, specOf, type Workload, workloads } from './workloads.ts';

interface Peer {
  ipBlock?: object;
  namespaceSelector?: object;
  podSelector?: { matchLabels?: Labels };
}

interface Rule {
  from?: Peer[];
  to?: Peer[];
  ports?: { port: string | number }[];
}

interface Policy {
  podSelector: { matchLabels?: Labels };
  ingress?: Rule[];
  egress?: Rule[];
}

const offers = (pods: readonly Workload[], port: string | number) =>
  pods.some(({ lasting }) =>
    lasting.some(({ ports = [] }) => ports.some(({ name, containerPort }) => name === port || containerPort === port)),
  );

export const policyReferences: readonly Check[] = [
  perObject('pods of policies', ['NetworkPolicy'], (each, all) => {
    const { podSelector } = specOf<Policy>(each);
    const selected = workloads(all).filter(({ labels }) => matches(podSelector.matchLabels ?? {}, labels));
    return [selected.length === 0 && 'selects no pods'];
  }),
  perObject('pods at the other end of policies', ['NetworkPolicy'], (each, all) => {
    const { ingress = [], egress = [] } = specOf<Policy>(each);
    const peers = [...ingress, ...egress].flatMap(({ from = [], to = [] }) => [...from, ...to]);
    return peers.map(({ namespaceSelector, podSelector }) => {
      // Pods of other namespaces are not ours.
      if (podSelector === undefined || namespaceSelector !== undefined) return undefined;
      const found = workloads(all).some(({ labels }) => matches(podSelector.matchLabels ?? {}, labels));
      return !found && `no pod has ${JSON.stringify(podSelector.matchLabels)}`;
    });
  }),
  perObject('ports of policies', ['NetworkPolicy'], (each, all) => {
    const { podSelector, ingress = [], egress = [] } = specOf<Policy>(each);
    const ours = (selector: Labels = {}) => workloads(all).filter(({ labels }) => matches(selector, labels));
    const into = ingress.flatMap(({ ports = [] }) =>
      ports.map(({ port }) => ({ port, pods: ours(podSelector.matchLabels) })),
    );
    const outOf = egress.flatMap(({ to = [], ports = [] }) =>
      to
        .filter((peer) => peer.podSelector !== undefined && peer.namespaceSelector === undefined)
        .flatMap((peer) => ports.map(({ port }) => ({ port, pods: ours(peer.podSelector?.matchLabels) }))),
    );
    return [...into, ...outOf].map(
      ({ port, pods }) => pods.length > 0 && !offers(pods, port) && `no pod has port ${port}`,
    );
  }),
];
