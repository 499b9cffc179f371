// Rules that hold between numbers of an environment. A rule that does not hold names both values.
import { awsContradictions } from './aws-contradictions.ts';
import { isPartOf, overlap, within } from './cidr.ts';
import type { DerivedEnvironment } from './derive.ts';
import { diskRoomMiB } from './instance-types.ts';
import { proxyPort, proxyResources } from './proxy.ts';
import type { Prerequisite } from './schema.ts';

/** The CPU that the one thread of a Node process can use. */
const oneProcessMillis = 1000;
/** What runs beside the service in the namespace of a laptop. */
export const namesBeside: readonly string[] = ['postgres', 'redis', 's3', 'redis-ui'];

/** Returns the fault of an environment in which it does not hold. */
type Rule = (environment: DerivedEnvironment) => string | undefined;

export const rules: readonly Rule[] = [
  ({ scaling: { minReplicas, maxReplicas } }) =>
    minReplicas > maxReplicas
      ? `scaling.minReplicas ${minReplicas} is more than scaling.maxReplicas ${maxReplicas}`
      : undefined,
  ({ scaling: { minReplicas, profile } }) =>
    minReplicas < 2
      ? `scaling.minReplicas ${minReplicas} is less than 2 (profile ${profile}): with a single replica a node's end is an outage`
      : undefined,
  ({ scaling: { profile, maxReplicas, minReplicas } }) =>
    profile === 'none' && maxReplicas !== minReplicas
      ? `scaling.maxReplicas ${maxReplicas} differs from scaling.minReplicas ${minReplicas}, but scaling.profile none keeps the number`
      : undefined,
  ({ scaling: { profile, memoryPercent, requestsPerSecond, scaleIn } }) =>
    profile === 'none' &&
    (memoryPercent ?? requestsPerSecond ?? (scaleIn === 'cost' ? scaleIn : undefined)) !== undefined
      ? `scaling.profile none never scales, but ${memoryPercent !== undefined ? `scaling.memoryPercent ${memoryPercent}` : requestsPerSecond !== undefined ? `scaling.requestsPerSecond ${requestsPerSecond}` : `scaling.scaleIn ${scaleIn}`} is set`
      : undefined,
  ({ scaling, prerequisites }) =>
    scaling.profile !== 'none' && !prerequisites.includes('metrics-server')
      ? `scaling.profile ${scaling.profile} measures CPU, which metrics-server serves, and prerequisites lists [${prerequisites.join(', ')}] without it`
      : undefined,
  ({ scaling, prerequisites }) =>
    scaling.requestsPerSecond !== undefined && !prerequisites.includes('prometheus-adapter')
      ? `scaling.requestsPerSecond ${scaling.requestsPerSecond} is a metric of prometheus-adapter, and prerequisites lists [${prerequisites.join(', ')}] without it: an HPA with a metric that nobody serves does not scale in`
      : undefined,
  ({ prerequisites, network }) => {
    const needed: Prerequisite[] = [
      'prometheus-operator',
      ...(network === undefined ? [] : (['external-secrets', 'aws-load-balancer-controller'] as const)),
    ];
    const missing = needed.filter((each) => !prerequisites.includes(each));
    return missing.length > 0
      ? `prerequisites lists [${prerequisites.join(', ')}], but the manifests need ${missing.join(' and ')}`
      : undefined;
  },
  ({ derived: { connectionsAtMost, connectionsFree }, database, scaling, rollout }) =>
    connectionsAtMost > connectionsFree
      ? `database.poolSize ${database.poolSize} × (scaling.maxReplicas ${scaling.maxReplicas} + rollout.surge ${rollout.surge}) = ${connectionsAtMost} connections is more than database.maxConnections ${database.maxConnections} − database.reservedConnections ${database.reservedConnections} = ${connectionsFree}`
      : undefined,
  ({ pod: { cpuRequestMillis, cpuLimitMillis } }) =>
    cpuLimitMillis !== undefined && cpuLimitMillis < cpuRequestMillis
      ? `pod.cpuLimitMillis ${cpuLimitMillis} is less than pod.cpuRequestMillis ${cpuRequestMillis}`
      : undefined,
  ({ pod: { cpuRequestMillis } }) =>
    cpuRequestMillis > oneProcessMillis
      ? `pod.cpuRequestMillis ${cpuRequestMillis} is more than the ${oneProcessMillis} that one process uses: one process per pod, more pods instead of bigger ones`
      : undefined,
  ({ pod, proxy, aws, derived: { podsPerNode, nodeCpuMillis, nodeMemoryMiB }, nodes }) => {
    if (podsPerNode >= 1) return undefined;
    const asked = [`pod.cpuRequestMillis ${pod.cpuRequestMillis}`, `pod.memoryMiB ${pod.memoryMiB}`];
    const beside = [`${proxyResources.cpuRequestMillis} m`, `${proxyResources.memoryMiB} MiB`];
    const room = [`${nodeCpuMillis} m`, `${nodeMemoryMiB} MiB`];
    if (aws !== undefined) {
      const { nodeDiskGiB } = aws.cluster;
      asked.push(`pod.ephemeralStorageMiB ${pod.ephemeralStorageMiB}`);
      beside.push(`${proxyResources.ephemeralStorageMiB} MiB of disk`);
      room.push(`${diskRoomMiB(nodeDiskGiB)} MiB of aws.cluster.nodeDiskGiB ${nodeDiskGiB}`);
    }
    if (proxy) asked.push(`Nginx's ${beside.join(' and ')} (proxy true)`);
    return `${asked.join(' and ')} do not fit a node of ${nodes.instanceTypes.join(', ')}, which has ${room.join(' and ')} for pods`;
  },
  ({ derived: { podsPerNode, podsAtMost }, nodes: { maxCount } }) =>
    podsPerNode >= 1 && podsAtMost > podsPerNode * maxCount
      ? `scaling.maxReplicas + rollout.surge = ${podsAtMost} pods is more than nodes.maxCount ${maxCount} × ${podsPerNode} pods per node = ${podsPerNode * maxCount}`
      : undefined,
  ({ nodes: { count, maxCount } }) =>
    count > maxCount ? `nodes.count ${count} is more than nodes.maxCount ${maxCount}` : undefined,
  ({ derived: { keepAliveSeconds }, loadBalancer: { idleSeconds } }) =>
    keepAliveSeconds <= idleSeconds
      ? `keepAliveSeconds ${keepAliveSeconds} is not above loadBalancer.idleSeconds ${idleSeconds}: the service would close connections that the load balancer is about to use`
      : undefined,
  ({ derived: { terminationGraceSeconds }, loadBalancer: { preStopSeconds }, longestRequestSeconds }) =>
    terminationGraceSeconds <= preStopSeconds + longestRequestSeconds
      ? `terminationGraceSeconds ${terminationGraceSeconds} is not above loadBalancer.preStopSeconds ${preStopSeconds} + longestRequestSeconds ${longestRequestSeconds}: the kubelet would kill a request in flight`
      : undefined,
  ({ derived: { deregistrationDelaySeconds }, longestRequestSeconds }) =>
    deregistrationDelaySeconds < longestRequestSeconds
      ? `deregistrationDelaySeconds ${deregistrationDelaySeconds} is less than longestRequestSeconds ${longestRequestSeconds}: the load balancer would cut a request in flight`
      : undefined,
  ({ loadBalancer: { healthCheck } }) =>
    healthCheck.timeoutSeconds >= healthCheck.intervalSeconds
      ? `healthCheck.timeoutSeconds ${healthCheck.timeoutSeconds} is not below healthCheck.intervalSeconds ${healthCheck.intervalSeconds}, which the load balancer demands`
      : undefined,
  ({ service: { httpPort, metricsPort } }) =>
    httpPort === metricsPort ? `service.httpPort ${httpPort} is service.metricsPort ${metricsPort}` : undefined,
  ({ proxy, service }) => {
    const taken = (['httpPort', 'metricsPort'] as const).find((port) => service[port] === proxyPort);
    return proxy && taken !== undefined
      ? `service.${taken} ${service[taken]} is ${proxyPort}, where Nginx of the same pod listens (proxy true)`
      : undefined;
  },
  ({ service: { name } }) =>
    namesBeside.includes(name)
      ? `service.name ${name} is the name of what runs beside it on a laptop: ${namesBeside.join(', ')}`
      : undefined,
  ({ network }) => {
    if (network === undefined) return undefined;
    const { vpcCidr, ...subnets } = network;
    const outside = Object.entries(subnets).flatMap(([name, cidrs]) =>
      cidrs.filter((cidr) => !within(cidr, vpcCidr)).map((cidr) => `network.${name} ${cidr}`),
    );
    return outside.length > 0 ? `${outside.join(' and ')} is outside network.vpcCidr ${vpcCidr}` : undefined;
  },
  ({ network }) => {
    const { vpcCidr, ...kinds } = network ?? { vpcCidr: '' };
    const subnets = Object.entries(kinds)
      .flatMap(([kind, cidrs]) => cidrs.map((cidr) => ({ kind, cidr })))
      .filter(({ cidr }) => within(cidr, vpcCidr));
    const [pair] = subnets.flatMap((one, index) =>
      subnets.slice(index + 1).flatMap((other) => (overlap(one.cidr, other.cidr) ? [[one, other] as const] : [])),
    );
    return pair && `network.${pair[0].kind} ${pair[0].cidr} overlaps network.${pair[1].kind} ${pair[1].cidr}`;
  },
  ({ network, loadBalancer: { cidrs } }) => {
    const from = network?.publicCidrs ?? [];
    const outside = cidrs.filter((cidr) => !from.some((subnet) => within(cidr, subnet)));
    return network !== undefined && outside.length > 0
      ? `loadBalancer.cidrs ${outside.join(', ')} is outside network.publicCidrs ${from.join(', ')}, which the load balancer sends from`
      : undefined;
  },
  ({ loadBalancer: { cidrs, exceptCidrs } }) => {
    const outside = exceptCidrs.filter((except) => !cidrs.some((cidr) => isPartOf(except, cidr)));
    return outside.length > 0
      ? `loadBalancer.exceptCidrs ${outside.join(', ')} is not a part of any of loadBalancer.cidrs ${cidrs.join(', ')}`
      : undefined;
  },
  ({ network, loadBalancer: { nodePort } }) =>
    network !== undefined && nodePort !== undefined
      ? `loadBalancer.nodePort ${nodePort} opens a port on each node, but network.vpcCidr ${network.vpcCidr} has a load balancer, which talks to pods`
      : undefined,
  ({ name, network, database: { reader } }) =>
    network === undefined && reader
      ? `database.reader true needs a replica in AWS, but ${name} has no network`
      : undefined,
  ({ name, service, network, loadBalancer: { accessLogs, webAcl } }) =>
    network === undefined && (accessLogs || webAcl)
      ? `loadBalancer.${accessLogs ? 'accessLogs' : 'webAcl'} true needs a log bucket and a web ACL in AWS, but ${name} has no network for ${service.name}`
      : undefined,
];

/** All faults of an environment whose values are each within their limits. */
export function contradictions(environment: DerivedEnvironment): string[] {
  return [...rules, ...awsContradictions].map((rule) => rule(environment)).filter((fault) => fault !== undefined);
}
