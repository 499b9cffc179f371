// What the manifests of an environment say about who talks to whom: workloads, ways in, ways out.
import type { Manifest } from '../../k8s/synth.ts';

type Labels = Record<string, string>;
interface Peer {
  ipBlock?: { cidr: string; except?: string[] };
  namespaceSelector?: { matchLabels: Labels };
  podSelector?: { matchLabels?: Labels };
}
interface Flow {
  from?: Peer[];
  to?: Peer[];
  ports: { port: number | string; protocol: string }[];
}
interface PolicySpec {
  podSelector: { matchLabels?: Labels };
  ingress?: Flow[];
  egress?: Flow[];
}
interface Container {
  ports?: { name: string; containerPort: number }[];
}
interface PodSpec {
  initContainers?: Container[];
  serviceAccountName?: string;
  volumes?: { secret?: { secretName: string } }[];
  containers: (Container & { envFrom?: { configMapRef?: { name: string } }[] })[];
}

interface ScalerSpec {
  scaleTargetRef: { name: string };
  minReplicas: number;
  maxReplicas: number;
}
interface BudgetSpec {
  selector: { matchLabels: Labels };
  maxUnavailable: number;
}
interface ServiceSpec {
  selector: Labels;
}

/** A thing that runs, and the objects that belong to it. */
export interface Workload {
  id: string;
  title: string;
  lines: string[];
}
/** A way of packets: between workloads, or between one and the outside. */
export interface Way {
  from: string;
  to: string;
  ports: string;
}
/** What is not a workload of the namespace. */
export interface Outside {
  id: string;
  title: string;
  lines: string[];
}
export interface Topology {
  namespace: string;
  workloads: Workload[];
  outsides: Outside[];
  /** How outsiders get in: what stands for the way, by the port of the pods it leads to. */
  doors: { id: string; title: string; lines: string[]; port: string }[];
  ways: Way[];
}

const spec = <T>({ spec: found }: Manifest) => found as T;
const podOf = (manifest: Manifest) =>
  spec<{ template: { metadata: { labels: Labels }; spec: PodSpec } }>(manifest).template;
const chosen = (labels: Labels, selector: Labels = {}) =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);

/** @param names what ranges of addresses are called */
export function topologyOf(manifests: readonly Manifest[], names: Readonly<Record<string, string>>): Topology {
  const ofKind = (kind: string) => manifests.filter((each) => each.kind === kind);
  const owners = ['Deployment', 'Job', 'StatefulSet'].flatMap(ofKind);
  const idOf = ({ kind, metadata }: Manifest) => `${kind} ${metadata.name.replace(/-[0-9a-f]{8}$/, '')}`;
  const outsides = new Map<string, Outside>();
  const ways: Way[] = [];

  /** Ids of who is at the other end of ports, a list of ranges being one. */
  function ends(peers: readonly Peer[], ports: string): string[] {
    const ranges = peers.flatMap(({ ipBlock }) => (ipBlock === undefined ? [] : [ipBlock]));
    const found = peers.flatMap(({ namespaceSelector, podSelector }) => {
      if (namespaceSelector !== undefined) {
        const where = namespaceSelector.matchLabels['kubernetes.io/metadata.name'] as string;
        const who = Object.values(podSelector?.matchLabels ?? {})[0];
        return [outside(who ?? `namespace ${where}`, who === undefined ? [] : [`namespace ${where}`], ports)];
      }
      if (podSelector === undefined) return [];
      return owners.filter((each) => chosen(podOf(each).metadata.labels, podSelector.matchLabels)).map(idOf);
    });
    if (ranges.length === 0) return found;
    const titles = new Set(ranges.map(({ cidr }) => names[cidr] ?? 'addresses'));
    const lines = ranges.map(({ cidr, except }) => (except ? `${cidr} but ${except.join(', ')}` : cidr));
    return [...found, outside([...titles].join(', '), lines, ports)];
  }
  function outside(title: string, lines: string[], ports: string): string {
    const id = [title, ...lines, ports].join(' ');
    outsides.set(id, { id, title, lines });
    return id;
  }

  for (const policy of ofKind('NetworkPolicy')) {
    const { podSelector, ingress = [], egress = [] } = spec<PolicySpec>(policy);
    if (podSelector.matchLabels === undefined) continue;
    const own = owners.filter((each) => chosen(podOf(each).metadata.labels, podSelector.matchLabels));
    for (const owner of own.map(idOf)) {
      const portsOf = (flow: Flow) => [...new Set(flow.ports.map(({ port }) => `${port}`))].join(', ');
      for (const flow of ingress)
        for (const from of ends(flow.from ?? [], portsOf(flow))) ways.push({ from, to: owner, ports: portsOf(flow) });
      for (const flow of egress)
        for (const to of ends(flow.to ?? [], portsOf(flow))) ways.push({ from: owner, to, ports: portsOf(flow) });
    }
  }

  return {
    namespace: ofKind('Namespace')[0]?.metadata.name ?? '',
    workloads: owners.map((each) => ({ id: idOf(each), title: idOf(each), lines: belongings(each, manifests) })),
    outsides: [...outsides.values()],
    doors: doorsOf(manifests),
    // Within the namespace both ends have a policy, and say the same.
    ways: [...new Map(ways.map((way) => [`${way.from} ${way.to} ${way.ports}`, way])).values()],
  };
}

/** The objects that say something about a workload, a line each. */
function belongings(owner: Manifest, manifests: readonly Manifest[]): string[] {
  const template = podOf(owner);
  const { labels } = template.metadata;
  const lines: string[] = [];
  for (const manifest of manifests) {
    const { kind, metadata } = manifest;
    if (kind === 'HorizontalPodAutoscaler') {
      const { scaleTargetRef, minReplicas, maxReplicas } = spec<ScalerSpec>(manifest);
      if (scaleTargetRef.name === owner.metadata.name)
        lines.push(`HorizontalPodAutoscaler: ${minReplicas} to ${maxReplicas} pods`);
    }
    if (kind === 'PodDisruptionBudget') {
      const { selector, maxUnavailable } = spec<BudgetSpec>(manifest);
      if (chosen(labels, selector.matchLabels)) lines.push(`PodDisruptionBudget: ${maxUnavailable} at a time`);
    }
    if (kind === 'Service' && owner.kind === 'StatefulSet' && chosen(labels, spec<ServiceSpec>(manifest).selector))
      lines.push(`Service ${metadata.name}`);
  }
  const { containers, serviceAccountName, volumes = [] } = template.spec;
  if (serviceAccountName !== undefined) lines.push(`ServiceAccount ${serviceAccountName}, no token`);
  for (const { envFrom = [] } of containers)
    for (const { configMapRef } of envFrom) if (configMapRef) lines.push(`ConfigMap ${configMapRef.name}`);
  for (const { secret } of volumes) {
    if (secret === undefined) continue;
    const fetched = manifests.some(
      (each) => each.kind === 'ExternalSecret' && each.metadata.name === secret.secretName,
    );
    lines.push(`${fetched ? 'ExternalSecret' : 'Secret'} ${secret.secretName}, as files`);
  }
  return lines;
}

/** Ingress and ServiceMonitor, with the Service that leads on. */
function doorsOf(manifests: readonly Manifest[]): Topology['doors'] {
  const services = manifests.filter(({ kind }) => kind === 'Service');
  const containers = manifests
    .filter(({ kind }) => kind === 'Deployment')
    .map(podOf)
    .flatMap(({ spec: { containers, initContainers = [] } }) => [...containers, ...initContainers]);
  /** Number of the pods' port behind a port of the Service. */
  const target = (name: string) => {
    const behind = services
      .flatMap((each) => spec<{ ports: { name: string; targetPort: string }[] }>(each).ports)
      .find((port) => port.name === name)?.targetPort;
    const number = containers.flatMap(({ ports = [] }) => ports).find((port) => port.name === behind)?.containerPort;
    return `${number ?? behind ?? name}`;
  };
  return manifests.flatMap((each) => {
    if (each.kind === 'Ingress') {
      const { rules } = spec<{
        rules: {
          http: { paths: { path: string; backend: { service: { name: string; port: { name: string } } } }[] };
        }[];
      }>(each);
      const paths = rules.flatMap(({ http }) => http.paths);
      const { annotations = {} } = each.metadata;
      const of = (name: string) => annotations[`alb.ingress.kubernetes.io/${name}`];
      return paths.slice(0, 1).map(({ backend: { service } }) => ({
        id: `Ingress ${each.metadata.name}`,
        title: `Ingress ${each.metadata.name}`,
        lines: [
          `paths ${paths.map(({ path }) => path).join(', ')} to Service ${service.name}`,
          `health ${of('healthcheck-path')} every ${of('healthcheck-interval-seconds')} s`,
          `drain ${/delay\.timeout_seconds=(\d+)/.exec(of('target-group-attributes') ?? '')?.[1]} s`,
        ],
        port: target(service.port.name),
      }));
    }
    if (each.kind !== 'ServiceMonitor') return [];
    const [endpoint] = spec<{ endpoints: { port: string; path: string; interval: string }[] }>(each).endpoints;
    if (endpoint === undefined) return [];
    return [
      {
        id: `ServiceMonitor ${each.metadata.name}`,
        title: `ServiceMonitor ${each.metadata.name}`,
        lines: [`${endpoint.path} every ${endpoint.interval}`],
        port: target(endpoint.port),
      },
    ];
  });
}
