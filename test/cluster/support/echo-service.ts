// A second service made of the constructs, to show that they know nothing of the first one.
import type { Construct } from 'constructs';
import { AlbIngress } from '../../../k8s/constructs/alb-ingress.ts';
import { Monitor } from '../../../k8s/constructs/monitors.ts';
import { AllowedFlows, DefaultDeny } from '../../../k8s/constructs/network-policy.ts';
import { Scaling } from '../../../k8s/constructs/scaling.ts';
import { ServicePort } from '../../../k8s/constructs/service-port.ts';
import { WebService } from '../../../k8s/constructs/web-service.ts';

export const nodePort = 30_114;
const common = { namespace: 'test-echo', identity: { name: 'echo', component: 'web', partOf: 'echo' } };
const beyondPods = { cidr: '0.0.0.0/0', except: ['10.244.0.0/16'] };
const healthCheck = { path: '/', intervalSeconds: 10, timeoutSeconds: 5, healthyThreshold: 2, unhealthyThreshold: 2 };
const route = { service: 'echo', port: 'http' };
export function echo(scope: Construct, { image, greeting }: { image: string; greeting: string }): void {
  new DefaultDeny(scope, 'deny', common);
  new AllowedFlows(scope, 'flows', { ...common, ingress: [{ peers: [beyondPods], ports: [8000] }] });
  new ServicePort(scope, 'port', { ...common, ports: { http: 80, metrics: 9000 }, nodePort });
  const routes = ['/echo', '/also'].map((path) => ({ path, ...route }));
  const times = { idleSeconds: 60, deregistrationDelaySeconds: 5, deletionProtection: false };
  new AlbIngress(scope, 'ingress', { ...common, loadBalancerName: 'echo', routes, healthCheck, ...times });
  const ports = { httpPort: 8000, metricsPort: 9000, probes: { readiness: '/', liveness: '/' } };
  const rollout = { surge: 1, progressDeadlineSeconds: 600, preStopSeconds: 1, terminationGraceSeconds: 5 };
  const resources = { cpuRequestMillis: 10, memoryMiB: 96, ephemeralStorageMiB: 16 };
  const pod = { image, settings: { GREETING: greeting }, resources, evictAfterSeconds: 20 };
  const target = new WebService(scope, 'web', { ...common, ...ports, ...rollout, ...pod });
  new Scaling(scope, 'scaling', { ...common, target, profile: 'band-50-30', minReplicas: 2, maxReplicas: 4 });
  new Monitor(scope, 'monitor', { ...common, port: 'metrics' });
}
