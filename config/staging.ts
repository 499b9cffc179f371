import { accountId, adminRoleArns, allowedCidrs } from './account.ts';
import { defineEnvironment } from './environment.ts';
import { network } from './network.ts';
import { service } from './service.ts';

export const staging = defineEnvironment({
  name: 'staging',
  namespace: service.name,
  accountId,
  region: 'us-east-1',
  service,
  longestRequestSeconds: 300,
  pod: { cpuRequestMillis: 500, memoryMiB: 384, ephemeralStorageMiB: 256 },
  scaling: { profile: 'responsive', minReplicas: 2, maxReplicas: 10, scaleIn: 'cost' },
  loadBalancer: { preStopSeconds: 15, cidrs: network.publicCidrs },
  database: { maxConnections: 150, poolSize: 10 },
  nodes: { instanceTypes: ['t3.large', 't3a.large'], count: 2, maxCount: 6, capacity: 'spot' },
  network,
  aws: {
    zones: ['us-east-1a', 'us-east-1b'],
    natGateways: 1,
    protectData: false,
    logDays: 14,
    cluster: { allowedCidrs, adminRoleArns },
    database: { instanceType: 't4g.medium', multiAz: false },
    cache: { nodeType: 'cache.t4g.small', snapshotDays: 1 },
  },
  prerequisites: ['metrics-server', 'prometheus-operator', 'external-secrets', 'aws-load-balancer-controller'],
});
