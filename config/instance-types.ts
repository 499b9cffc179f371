// What a pod can have of a node of each EC2 instance type that config/ names.

interface InstanceType {
  vcpus: number;
  memoryMiB: number;
  /** Pods that the VPC CNI has addresses for: ENIs × (addresses each − 1) + 2, of amazon-eks-ami's eni-max-pods.txt. */
  maxPods: number;
}

/** Source: EC2 instance type pages, and eni-max-pods.txt for the pods. */
const instanceTypes: Readonly<Record<string, InstanceType>> = {
  /** A node of kind: what a laptop with 4 GiB to spare gives. */
  kind: { vcpus: 2, memoryMiB: 4096, maxPods: 110 },
  't3.medium': { vcpus: 2, memoryMiB: 4096, maxPods: 17 },
  't3a.medium': { vcpus: 2, memoryMiB: 4096, maxPods: 17 },
  't3.large': { vcpus: 2, memoryMiB: 8192, maxPods: 35 },
  't3a.large': { vcpus: 2, memoryMiB: 8192, maxPods: 35 },
  'm6i.large': { vcpus: 2, memoryMiB: 8192, maxPods: 29 },
  'm7i.large': { vcpus: 2, memoryMiB: 8192, maxPods: 29 },
  'm6i.xlarge': { vcpus: 4, memoryMiB: 16_384, maxPods: 58 },
  'm7i.xlarge': { vcpus: 4, memoryMiB: 16_384, maxPods: 58 },
  'm7i.2xlarge': { vcpus: 8, memoryMiB: 32_768, maxPods: 58 },
};

/** What DaemonSets of the platform ask for on each node (CNI, kube-proxy, Pod Identity, CSI, log and metrics agents). */
const daemonSets = { cpuMillis: 350, memoryMiB: 500 };

/** CPU that the kubelet keeps: 6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the rest (amazon-eks-ami). */
function reservedCpuMillis(vcpus: number): number {
  const shares = [60, 10, 5, 5];
  return Array.from({ length: vcpus }, (_, core) => shares[core] ?? 2.5).reduce((sum, share) => sum + share, 0);
}

export interface NodeRoom {
  cpuMillis: number;
  memoryMiB: number;
  pods: number;
}

/**
 * What a node has left for pods of the service.
 *
 * Memory that is kept: 255 MiB + 11 MiB × pods for the kubelet, 100 MiB before eviction (amazon-eks-ami); the
 * hypervisor takes about 7.5 % of what the type promises (Karpenter's VM_MEMORY_OVERHEAD_PERCENT).
 *
 * @throws when the type is not in the table
 */
function nodeRoom(type: string): NodeRoom {
  const found = instanceTypes[type];
  if (found === undefined) {
    throw new Error(
      `nodes.instanceTypes: ${type} is unknown; known are ${Object.keys(instanceTypes).join(', ')} (config/instance-types.ts)`,
    );
  }
  return {
    cpuMillis: Math.floor(found.vcpus * 1000 - reservedCpuMillis(found.vcpus) - daemonSets.cpuMillis),
    memoryMiB: Math.floor(found.memoryMiB * 0.925 - 255 - 11 * found.maxPods - 100 - daemonSets.memoryMiB),
    pods: found.maxPods - 6,
  };
}

/** The least that any of these types has. */
export function smallestRoom(types: readonly string[]): NodeRoom {
  const rooms = types.map(nodeRoom);
  return {
    cpuMillis: Math.min(...rooms.map(({ cpuMillis }) => cpuMillis)),
    memoryMiB: Math.min(...rooms.map(({ memoryMiB }) => memoryMiB)),
    pods: Math.min(...rooms.map(({ pods }) => pods)),
  };
}

/** Memory of RDS classes in GiB. Source: RDS user guide, "Hardware specifications". */
const databaseMemoryGiB: Readonly<Record<string, number>> = {
  't4g.medium': 4,
  't4g.large': 8,
  'm7g.large': 8,
  'm7g.xlarge': 16,
  'm7g.2xlarge': 32,
  'r7g.large': 16,
  'r7g.xlarge': 32,
};

/** @throws when the class is not in the table */
export function databaseMemoryMiB(type: string): number {
  const found = databaseMemoryGiB[type];
  if (found === undefined) {
    throw new Error(
      `aws.database.instanceType: ${type} is unknown; known are ${Object.keys(databaseMemoryGiB).join(', ')} (config/instance-types.ts)`,
    );
  }
  return found * 1024;
}

/** Node types of ElastiCache that serve Redis 7 and fail over. Source: ElastiCache user guide, "Supported node types". */
export const cacheNodeTypes: readonly string[] = [
  ...['micro', 'small', 'medium'].map((size) => `cache.t4g.${size}`),
  ...['large', 'xlarge', '2xlarge', '4xlarge'].flatMap((size) => [`cache.m7g.${size}`, `cache.r7g.${size}`]),
];

/** CPUs of a node, for limits on how many there may be. @throws when the type is not in the table */
export function nodeCpus(type: string): number {
  nodeRoom(type);
  return (instanceTypes[type] as InstanceType).vcpus;
}
