// A cluster on a laptop: data stores inside it, no load balancer, windows short enough to watch.
import { accountId } from './account.ts';
import { defineEnvironment } from './environment.ts';
import { service } from './service.ts';

export const local = defineEnvironment({
  name: 'local',
  namespace: service.name,
  accountId,
  region: 'us-east-1',
  service,
  longestRequestSeconds: 35,
  pod: { cpuRequestMillis: 100, memoryMiB: 256, ephemeralStorageMiB: 64 },
  scaling: { profile: 'responsive', minReplicas: 2, maxReplicas: 6, windowPercent: 10 },
  rollout: { progressDeadlineSeconds: 60, evictAfterSeconds: 20 },
  loadBalancer: {
    preStopSeconds: 5,
    healthCheck: { intervalSeconds: 5, timeoutSeconds: 2 },
    // The host and the nodes, but no pod: those get in only by name.
    cidrs: ['0.0.0.0/0'],
    exceptCidrs: ['10.244.0.0/16'],
    nodePort: 30_080,
    accessLogs: false,
    webAcl: false,
  },
  database: { maxConnections: 100, poolSize: 8 },
  nodes: { instanceTypes: ['kind'], count: 2, maxCount: 2 },
  prerequisites: ['metrics-server', 'prometheus-operator'],
});
