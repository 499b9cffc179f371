import { accountId, adminRoleArns, allowedCidrs } from './account.ts';
import { defineEnvironment } from './environment.ts';
import { network } from './network.ts';
import { service } from './service.ts';

export const production = defineEnvironment({
  name: 'production',
  namespace: service.name,
  accountId,
  region: 'us-east-1',
  service,
  longestRequestSeconds: 300,
  pod: { cpuRequestMillis: 1000, memoryMiB: 512, ephemeralStorageMiB: 512 },
  scaling: { profile: 'responsive', minReplicas: 2, maxReplicas: 10 },
  rollout: { surge: 2 },
  loadBalancer: { preStopSeconds: 15, cidrs: network.publicCidrs, deletionProtection: true },
  database: { maxConnections: 400, poolSize: 20, reader: true },
  nodes: { instanceTypes: ['m7i.large', 'm6i.large'], count: 2, maxCount: 12 },
  network,
  aws: {
    zones: ['us-east-1a', 'us-east-1b'],
    protectData: true,
    logDays: 90,
    cluster: { allowedCidrs, adminRoleArns },
    database: { instanceType: 'm7g.large', multiAz: true, storageGiB: 100 },
    cache: { nodeType: 'cache.m7g.large' },
  },
  prerequisites: ['metrics-server', 'prometheus-operator', 'external-secrets', 'aws-load-balancer-controller'],
});
