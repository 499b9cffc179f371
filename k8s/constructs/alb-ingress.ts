import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { type Identity, labels } from './labels.ts';

export interface AlbRoute {
  /** Path prefix. */
  path: string;
  /** Service, and name of its port. */
  service: string;
  port: string;
}

export interface AlbIngressProps {
  namespace: string;
  identity: Identity;
  /** ≤ 32 letters, digits and dashes. */
  loadBalancerName: string;
  /** Name tag of the security group of the load balancer; the controller opens the pods to it. @default one that the controller makes */
  securityGroupName?: string | undefined;
  /** Host name; TLS with the certificate that ACM has for it, and plain HTTP redirects. @default plain HTTP only */
  domain?: string | undefined;
  routes: readonly AlbRoute[];
  healthCheck: {
    path: string;
    intervalSeconds: number;
    timeoutSeconds: number;
    healthyThreshold: number;
    unhealthyThreshold: number;
  };
  idleSeconds: number;
  deregistrationDelaySeconds: number;
  /** Bucket and prefix of the access logs. @default no logs */
  accessLogs?: { bucket: string; prefix: string } | undefined;
  /** @default no web ACL */
  webAclName?: string | undefined;
  deletionProtection: boolean;
}

/** Oldest and newest protocol: TLS 1.2 and 1.3. Source: ELB user guide, "Security policies". */
const tlsPolicy = 'ELBSecurityPolicy-TLS13-1-2-2021-06';
const longestName = 32;

/** An Ingress that the AWS Load Balancer Controller makes an Application Load Balancer of. */
export class AlbIngress extends Construct {
  constructor(scope: Construct, id: string, props: AlbIngressProps) {
    super(scope, id);
    const { namespace, identity, loadBalancerName, domain } = props;
    if (loadBalancerName.length > longestName) {
      throw new Error(
        `The load balancer's name ${loadBalancerName} has ${loadBalancerName.length} characters; AWS takes ${longestName}.`,
      );
    }
    new k8s.KubeIngress(this, 'ingress', {
      metadata: { namespace, name: identity.name, labels: labels(identity), annotations: annotations(props) },
      spec: {
        ingressClassName: 'alb',
        ...(domain === undefined ? {} : { tls: [{ hosts: [domain] }] }),
        rules: [
          {
            ...(domain === undefined ? {} : { host: domain }),
            http: {
              paths: props.routes.map(({ path, service, port }) => ({
                path,
                pathType: 'Prefix',
                backend: { service: { name: service, port: { name: port } } },
              })),
            },
          },
        ],
      },
    });
  }
}

/** Source: AWS Load Balancer Controller, "Ingress annotations". All values are strings. */
function annotations(props: AlbIngressProps): Record<string, string> {
  const { domain, healthCheck, accessLogs, webAclName, securityGroupName } = props;
  const listeners = domain === undefined ? [{ HTTP: 80 }] : [{ HTTP: 80 }, { HTTPS: 443 }];
  const unprefixed: Record<string, string> = {
    'load-balancer-name': props.loadBalancerName,
    scheme: 'internet-facing',
    'target-type': 'ip',
    'listen-ports': JSON.stringify(listeners),
    ...(domain === undefined ? {} : { 'ssl-redirect': '443', 'ssl-policy': tlsPolicy }),
    ...(securityGroupName === undefined
      ? {}
      : { 'security-groups': securityGroupName, 'manage-backend-security-group-rules': 'true' }),
    // Said even when there is none: leaving it out later would not take it away.
    'wafv2-acl-name': webAclName ?? 'none',
    'load-balancer-attributes': attributes({
      // Said even when off: leaving it out later would not switch it off.
      'access_logs.s3.enabled': accessLogs !== undefined,
      ...(accessLogs === undefined
        ? {}
        : { 'access_logs.s3.bucket': accessLogs.bucket, 'access_logs.s3.prefix': accessLogs.prefix }),
      'deletion_protection.enabled': props.deletionProtection,
      'idle_timeout.timeout_seconds': props.idleSeconds,
      'routing.http.desync_mitigation_mode': 'strictest',
      'routing.http.drop_invalid_header_fields.enabled': true,
    }),
    'target-group-attributes': attributes({
      'deregistration_delay.timeout_seconds': props.deregistrationDelaySeconds,
      'load_balancing.cross_zone.enabled': true,
    }),
    'backend-protocol': 'HTTP',
    'healthcheck-protocol': 'HTTP',
    'healthcheck-port': 'traffic-port',
    'healthcheck-path': healthCheck.path,
    'healthcheck-interval-seconds': String(healthCheck.intervalSeconds),
    'healthcheck-timeout-seconds': String(healthCheck.timeoutSeconds),
    'healthy-threshold-count': String(healthCheck.healthyThreshold),
    'unhealthy-threshold-count': String(healthCheck.unhealthyThreshold),
    'success-codes': '200',
  };
  return Object.fromEntries(
    Object.entries(unprefixed).map(([key, value]) => [`alb.ingress.kubernetes.io/${key}`, value]),
  );
}

const attributes = (values: Record<string, string | number | boolean>) =>
  Object.entries(values)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
