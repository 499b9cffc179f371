// Numbers and names that follow from what an environment says: each once, with its rule.
import { diskRoomMiB, smallestRoom } from './instance-types.ts';
import { proxyResources } from './proxy.ts';
import type { EnvironmentValues } from './schema.ts';

/** Beyond the longest request, for closing connections and flushing logs before the kubelet kills. */
const closingSeconds = 10;
/** The service keeps a connection so much longer than the load balancer, so that the load balancer is the one that closes it. */
const keepAliveMarginSeconds = 15;

const seconds = 's';

/** Each derived value: its unit, the rule in words, and the rule as code. */
const rules = {
  requestTimeoutSeconds: {
    unit: seconds,
    rule: 'longestRequestSeconds',
    of: (e: EnvironmentValues) => e.longestRequestSeconds,
  },
  deregistrationDelaySeconds: {
    unit: seconds,
    rule: 'longestRequestSeconds: the load balancer cuts what is still open then',
    of: (e: EnvironmentValues) => e.longestRequestSeconds,
  },
  terminationGraceSeconds: {
    unit: seconds,
    rule: `loadBalancer.preStopSeconds + longestRequestSeconds + ${closingSeconds} to close`,
    of: (e: EnvironmentValues) => e.loadBalancer.preStopSeconds + e.longestRequestSeconds + closingSeconds,
  },
  keepAliveSeconds: {
    unit: seconds,
    rule: `loadBalancer.idleSeconds + ${keepAliveMarginSeconds}: the load balancer closes first`,
    of: (e: EnvironmentValues) => e.loadBalancer.idleSeconds + keepAliveMarginSeconds,
  },
  takenOutSeconds: {
    unit: seconds,
    rule: 'healthCheck.intervalSeconds × unhealthyThreshold + timeoutSeconds: until a pod that hangs gets no more requests',
    of: ({ loadBalancer: { healthCheck } }: EnvironmentValues) =>
      healthCheck.intervalSeconds * healthCheck.unhealthyThreshold + healthCheck.timeoutSeconds,
  },
  podsAtMost: {
    unit: 'pods',
    rule: 'scaling.maxReplicas + rollout.surge; pods that are still ending come on top',
    of: (e: EnvironmentValues) => e.scaling.maxReplicas + e.rollout.surge,
  },
  connectionsAtMost: {
    unit: 'connections',
    rule: 'database.poolSize × (scaling.maxReplicas + rollout.surge), to writer and reader alike; those of pods that are still ending come on top',
    of: (e: EnvironmentValues) => e.database.poolSize * (e.scaling.maxReplicas + e.rollout.surge),
  },
  connectionsFree: {
    unit: 'connections',
    rule: 'database.maxConnections − database.reservedConnections',
    of: (e: EnvironmentValues) => e.database.maxConnections - e.database.reservedConnections,
  },
  nodeCpuMillis: {
    unit: 'm',
    rule: 'CPU of the smallest of nodes.instanceTypes less kubelet and DaemonSets',
    of: (e: EnvironmentValues) => smallestRoom(e.nodes.instanceTypes).cpuMillis,
  },
  nodeMemoryMiB: {
    unit: 'MiB',
    rule: 'memory of the smallest of nodes.instanceTypes less hypervisor, kubelet and DaemonSets',
    of: (e: EnvironmentValues) => smallestRoom(e.nodes.instanceTypes).memoryMiB,
  },
  podsPerNode: {
    unit: 'pods',
    rule: 'what pod.cpuRequestMillis, pod.memoryMiB, pod.ephemeralStorageMiB (in AWS), Nginx (proxy) and the addresses of a node allow',
    of: (e: EnvironmentValues) => {
      const room = smallestRoom(e.nodes.instanceTypes);
      const beside = e.proxy ? proxyResources : { cpuRequestMillis: 0, memoryMiB: 0, ephemeralStorageMiB: 0 };
      // A laptop's nodes share its disk.
      const diskMiB = e.aws === undefined ? Number.POSITIVE_INFINITY : diskRoomMiB(e.aws.cluster.nodeDiskGiB);
      return Math.min(
        Math.floor(room.cpuMillis / (e.pod.cpuRequestMillis + beside.cpuRequestMillis)),
        Math.floor(room.memoryMiB / (e.pod.memoryMiB + beside.memoryMiB)),
        Math.floor(diskMiB / (e.pod.ephemeralStorageMiB + beside.ephemeralStorageMiB)),
        room.pods,
      );
    },
  },
  trustedProxyHops: {
    unit: 'proxies',
    rule: 'the load balancer, and Nginx when there is one',
    of: (e: EnvironmentValues) => (e.proxy ? 2 : 1),
  },
} as const;

type Derived = { readonly [Name in keyof typeof rules]: number };

/** The values of an environment, and the numbers that follow from them. */
export type DerivedEnvironment = EnvironmentValues & { readonly derived: Derived };

export function derive(values: EnvironmentValues): DerivedEnvironment {
  const derived = Object.fromEntries(Object.entries(rules).map(([name, { of }]) => [name, of(values)])) as Derived;
  return { ...values, derived };
}

/** How each derived number came about, for those who print it. */
export const derivations: readonly { name: keyof Derived; unit: string; rule: string }[] = (
  Object.keys(rules) as (keyof Derived)[]
).map((name) => ({ name, unit: rules[name].unit, rule: rules[name].rule }));
