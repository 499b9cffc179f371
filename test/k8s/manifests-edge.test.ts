// What the manifests promise of the edge, row by row of docs/features.md.
import type { V1Container, V1IngressSpec, V1PodSpec, V1ServiceSpec } from '@kubernetes/client-node';
import { accountId } from '../../config/account.ts';
import { committed, type Manifest, objectNamed, synthesized, variant } from './support/manifests.ts';
import { variants } from './support/variants.ts';
import { ofKind, specOf } from './support/workloads.ts';

const production = committed('production');

const ingress = (manifests: readonly Manifest[]) => objectNamed(manifests, 'Ingress/slipway');
const routes = (manifests: readonly Manifest[]) => specOf<V1IngressSpec>(ingress(manifests));
const pod = (manifests: readonly Manifest[]) =>
  specOf<{ template: { spec: V1PodSpec } }>(objectNamed(manifests, 'Deployment/slipway')).template.spec;
const config = (manifests: readonly Manifest[], name = 'slipway') =>
  objectNamed(manifests, `ConfigMap/${name}`).data as Record<string, string>;

/** The load balancer's annotations, without their common prefix. */
function annotations(manifests: readonly Manifest[]): Record<string, string> {
  const prefix = 'alb.ingress.kubernetes.io/';
  const all = Object.entries(ingress(manifests).metadata.annotations ?? {});
  expect(all.filter(([key, value]) => !key.startsWith(prefix) || typeof value !== 'string')).toEqual([]);
  return Object.fromEntries(all.map(([key, value]) => [key.slice(prefix.length), value]));
}

/** Comma-separated attributes by name. */
const attributes = (text: string | undefined) =>
  Object.fromEntries((text ?? '').split(',').map((each) => each.split('=') as [string, string]));

const backend = { service: { name: 'slipway', port: { name: 'http' } } };

describe('the edge', () => {
  it('E1: the controller makes an internet-facing load balancer that talks to pods of all zones', () => {
    expect(routes(production).ingressClassName).toBe('alb');
    expect(annotations(production)).toMatchObject({
      'load-balancer-name': 'slipway-production',
      scheme: 'internet-facing',
      'target-type': 'ip',
      'backend-protocol': 'HTTP',
    });
    expect(attributes(annotations(production)['target-group-attributes'])).toEqual({
      'deregistration_delay.timeout_seconds': '300',
      'load_balancing.cross_zone.enabled': 'true',
    });
    expect(attributes(annotations(production)['load-balancer-attributes'])).toMatchObject({
      'deletion_protection.enabled': 'true',
      'idle_timeout.timeout_seconds': '60',
      'routing.http.desync_mitigation_mode': 'strictest',
      'routing.http.drop_invalid_header_fields.enabled': 'true',
    });
    expect(annotations(committed('staging'))['load-balancer-name']).toBe('slipway-staging');
    expect(attributes(annotations(committed('staging'))['load-balancer-attributes'])).toMatchObject({
      'deletion_protection.enabled': 'false',
    });
  });

  it('E2: without a domain it speaks plain HTTP on port 80', () => {
    expect(annotations(production)['listen-ports']).toBe('[{"HTTP":80}]');
    expect(annotations(production)).not.toHaveProperty('ssl-redirect');
    expect(annotations(production)).not.toHaveProperty('ssl-policy');
    expect(routes(production)).not.toHaveProperty('tls');
    expect(routes(production).rules?.[0]).not.toHaveProperty('host');
  });

  it('E2: with a domain it speaks TLS 1.2 and 1.3 on 443, 80 redirects, and the certificate is found by the host', () => {
    const manifests = synthesized(variants['with TLS']);
    expect(annotations(manifests)).toMatchObject({
      'listen-ports': '[{"HTTP":80},{"HTTPS":443}]',
      'ssl-redirect': '443',
      'ssl-policy': 'ELBSecurityPolicy-TLS13-1-2-2021-06',
    });
    expect(annotations(manifests)).not.toHaveProperty('certificate-arn');
    expect(routes(manifests).tls).toEqual([{ hosts: ['api.example.org'] }]);
    expect(routes(manifests).rules?.map(({ host }) => host)).toEqual(['api.example.org']);
  });

  it('E3: it asks /health every 30 s, and interval, time-out and thresholds are settings', () => {
    expect(annotations(production)).toMatchObject({
      'healthcheck-path': '/health',
      'healthcheck-protocol': 'HTTP',
      'healthcheck-port': 'traffic-port',
      'healthcheck-interval-seconds': '30',
      'healthcheck-timeout-seconds': '5',
      'healthy-threshold-count': '2',
      'unhealthy-threshold-count': '2',
      'success-codes': '200',
    });
    const healthCheck = { intervalSeconds: 12, timeoutSeconds: 4, healthyThreshold: 3, unhealthyThreshold: 5 };
    expect(annotations(synthesized(variant('production', { loadBalancer: { healthCheck } })))).toMatchObject({
      'healthcheck-interval-seconds': '12',
      'healthcheck-timeout-seconds': '4',
      'healthy-threshold-count': '3',
      'unhealthy-threshold-count': '5',
    });
  });

  it('E4: requests go to the service by path prefix', () => {
    expect(routes(production).rules).toEqual([{ http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }]);
    expect(routes(synthesized(variants['with paths'])).rules).toEqual([
      {
        http: {
          paths: [
            { path: '/files', pathType: 'Prefix', backend },
            { path: '/session', pathType: 'Prefix', backend },
          ],
        },
      },
    ]);
    expect(specOf<V1ServiceSpec>(objectNamed(production, 'Service/slipway'))).toEqual({
      type: 'ClusterIP',
      selector: { 'app.kubernetes.io/name': 'slipway', 'app.kubernetes.io/component': 'web' },
      ports: [
        { name: 'http', port: 80, targetPort: 'http', protocol: 'TCP' },
        { name: 'metrics', port: 9090, targetPort: 'metrics', protocol: 'TCP' },
      ],
    });
  });

  it('E5: each request is logged to the log bucket of the environment, or logging is said to be off', () => {
    expect(attributes(annotations(production)['load-balancer-attributes'])).toMatchObject({
      'access_logs.s3.enabled': 'true',
      'access_logs.s3.bucket': `slipway-production-logs-${accountId}`,
      'access_logs.s3.prefix': 'load-balancer',
    });
    const off = attributes(
      annotations(synthesized(variants['without logs, web ACL and protection']))['load-balancer-attributes'],
    );
    expect(off).toMatchObject({ 'access_logs.s3.enabled': 'false', 'deletion_protection.enabled': 'false' });
    expect(off).not.toHaveProperty('access_logs.s3.bucket');
  });

  it('E6: the web ACL of the environment is associated by its name', () => {
    expect(annotations(production)['wafv2-acl-name']).toBe('slipway-production');
    expect(annotations(committed('staging'))['wafv2-acl-name']).toBe('slipway-staging');
    expect(annotations(production)).not.toHaveProperty('wafv2-acl-arn');
    // Left out it would stay associated.
    const without = annotations(synthesized(variants['without logs, web ACL and protection']));
    expect(without['wafv2-acl-name']).toBe('none');
  });

  it('N7: the load balancer has its security group by name, and the controller opens the pods to it', () => {
    expect(annotations(production)).toMatchObject({
      'security-groups': 'slipway-production-load-balancer',
      'manage-backend-security-group-rules': 'true',
    });
    expect(annotations(committed('local'))).not.toHaveProperty('security-groups');
  });

  it('E11: a pod waits for the load balancer before it counts as ready, and is taken out before it stops', () => {
    expect(objectNamed(production, 'Namespace/slipway').metadata.labels).toMatchObject({
      'elbv2.k8s.aws/pod-readiness-gate-inject': 'enabled',
    });
    const { containers, terminationGracePeriodSeconds } = pod(production);
    expect(containers[0]?.lifecycle).toEqual({ preStop: { sleep: { seconds: 15 } } });
    // 15 s of preStop, 300 s for the longest request, 10 s to close.
    expect(terminationGracePeriodSeconds).toBe(325);
    expect(attributes(annotations(production)['target-group-attributes'])).toMatchObject({
      'deregistration_delay.timeout_seconds': '300',
    });
    expect(config(production)).toMatchObject({ LONGEST_REQUEST_SECONDS: '300', LOAD_BALANCER_IDLE_SECONDS: '60' });
  });
});

describe('E10: the optional Nginx between load balancer and service', () => {
  const manifests = synthesized(variants['with Nginx']);
  const [proxy] = pod(manifests).initContainers as [V1Container];
  const [app] = pod(manifests).containers as [V1Container];

  it('is a sidecar: it starts before the service and stops after it', () => {
    expect(proxy).toMatchObject({ name: 'proxy', image: 'nginxinc/nginx-unprivileged:1.27', restartPolicy: 'Always' });
    expect(proxy.startupProbe?.tcpSocket).toEqual({ port: 'http' });
    expect(proxy.command).toEqual(['nginx', '-c', '/etc/proxy/nginx.conf', '-g', 'daemon off;']);
  });

  it('takes the port that the Service and the policy name, and the service keeps its own', () => {
    expect(proxy.ports).toEqual([{ name: 'http', containerPort: 8080 }]);
    expect(app.ports).toEqual([
      { name: 'app', containerPort: 3000 },
      { name: 'metrics', containerPort: 9090 },
    ]);
    expect([app.readinessProbe, app.livenessProbe].map((probe) => probe?.httpGet?.port)).toEqual(['app', 'app']);
    expect(specOf<V1ServiceSpec>(objectNamed(manifests, 'Service/slipway')).ports?.[0]).toMatchObject({
      targetPort: 'http',
    });
  });

  it('passes requests on as they come, within the time-outs of the environment', () => {
    const conf = config(manifests, 'slipway-proxy')['nginx.conf'] ?? '';
    const lines = conf.split('\n').map((line) => line.trim());
    for (const line of [
      'listen 8080;',
      'server 127.0.0.1:3000;',
      'keepalive_timeout 75s;',
      'keepalive_timeout 65s;',
      'proxy_read_timeout 300s;',
      'proxy_send_timeout 300s;',
      'proxy_request_buffering off;',
      'proxy_buffering off;',
      'client_max_body_size 0;',
      'proxy_next_upstream off;',
      'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
    ]) {
      expect(lines).toContain(line);
    }
  });

  it('a change of its file, and of nothing else, is another checksum in the pods, which rolls them', () => {
    const checksum = (of: readonly Manifest[]) =>
      specOf<{ template: { metadata: { annotations: Record<string, string> } } }>(objectNamed(of, 'Deployment/slipway'))
        .template.metadata.annotations['checksum/proxy'];
    const other = synthesized(variant('production', { proxy: true, loadBalancer: { idleSeconds: 90 } }));
    const same = synthesized(variant('production', { proxy: true, database: { poolSize: 10 } }));
    expect(checksum(manifests)).toMatch(/^[0-9a-f]{16}$/);
    expect(checksum(other)).not.toBe(checksum(manifests));
    expect(checksum(same)).toBe(checksum(manifests));
    expect(checksum(production)).toBeUndefined();
  });

  it('counts as a proxy that the service trusts, and its CPU counts for no scaling', () => {
    expect(config(manifests).TRUSTED_PROXY_HOPS).toBe('2');
    expect(config(production).TRUSTED_PROXY_HOPS).toBe('1');
    const [hpa] = ofKind(manifests, 'HorizontalPodAutoscaler') as [Manifest];
    expect(specOf<{ metrics: unknown[] }>(hpa).metrics).toEqual([
      {
        type: 'ContainerResource',
        containerResource: {
          name: 'cpu',
          container: 'slipway',
          target: { type: 'Utilization', averageUtilization: 60 },
        },
      },
    ]);
  });

  it('is absent when it is not asked for', () => {
    expect(pod(production)).not.toHaveProperty('initContainers');
    expect(ofKind(production, 'ConfigMap').map(({ metadata }) => metadata.name)).toEqual([
      'slipway',
      'slipway-dashboard-overview',
    ]);
  });
});
