// How requests get in. Applied before the pods: of these two the controller makes the TargetGroupBinding, without which pods get no
// readiness gate. That takes it a while, for which `make deploy` waits before the first pods.
import type { Construct } from 'constructs';
import {
  loadBalancerGroupName,
  loadBalancerLogsPrefix,
  loadBalancerName,
  logsBucket,
  webAclName,
} from '../../config/aws-names.ts';
import { AlbIngress } from '../constructs/alb-ingress.ts';
import { ServicePort } from '../constructs/service-port.ts';
import { type ChartInput, parts, versionOf } from './parts.ts';

export function routing(scope: Construct, input: ChartInput): void {
  const { environment } = input;
  const { namespace, service, loadBalancer, derived, network } = environment;
  const identity = parts(environment, versionOf(input)).web;
  new ServicePort(scope, 'service', {
    namespace,
    identity,
    ports: { http: 80, metrics: service.metricsPort },
    nodePort: loadBalancer.nodePort,
  });
  new AlbIngress(scope, 'ingress', {
    namespace,
    identity,
    loadBalancerName: loadBalancerName(environment),
    securityGroupName: network === undefined ? undefined : loadBalancerGroupName(environment),
    domain: loadBalancer.domain,
    routes: loadBalancer.paths.map((path) => ({ path, service: identity.name, port: 'http' })),
    healthCheck: { path: '/health', ...loadBalancer.healthCheck },
    idleSeconds: loadBalancer.idleSeconds,
    deregistrationDelaySeconds: derived.deregistrationDelaySeconds,
    accessLogs: loadBalancer.accessLogs
      ? { bucket: logsBucket(environment), prefix: loadBalancerLogsPrefix }
      : undefined,
    webAclName: loadBalancer.webAcl ? webAclName(environment) : undefined,
    deletionProtection: loadBalancer.deletionProtection,
  });
}
