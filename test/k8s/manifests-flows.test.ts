// What the manifests promise of flows between pods and beyond: row N7 of docs/features.md.
import type { V1NetworkPolicySpec } from '@kubernetes/client-node';
import { committed, environmentNames, type Manifest, objectNamed, synthesized, variant } from './support/manifests.ts';
import { variants } from './support/variants.ts';
import { specOf } from './support/workloads.ts';

const production = committed('production');
const local = committed('local');

const policy = (manifests: readonly Manifest[], name: string) =>
  specOf<V1NetworkPolicySpec>(objectNamed(manifests, `NetworkPolicy/${name}`));

describe('N7: flows', () => {
  const dns = {
    to: [
      {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
        podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
      },
    ],
    ports: [
      { protocol: 'UDP', port: 53 },
      { protocol: 'TCP', port: 53 },
    ],
  };
  const tcp = (port: number) => [{ protocol: 'TCP', port }];
  const dataSubnets = [{ ipBlock: { cidr: '10.0.21.0/24' } }, { ipBlock: { cidr: '10.0.22.0/24' } }];
  const podsOf = (name: string, component: string) => ({
    podSelector: { matchLabels: { 'app.kubernetes.io/name': name, 'app.kubernetes.io/component': component } },
  });
  const prometheus = {
    from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
    ports: tcp(9090),
  };
  const both = ['Ingress', 'Egress'];

  it.each(environmentNames)('in %s all are refused that nothing allows', (name) => {
    expect(policy(committed(name), 'default-deny')).toEqual({ podSelector: {}, policyTypes: both });
  });

  it('of the service in AWS: from the load balancer and Prometheus; to names, data, S3 and the Pod Identity agent', () => {
    for (const name of ['staging', 'production']) {
      expect(policy(committed(name), 'web')).toEqual({
        ...podsOf('slipway', 'web'),
        policyTypes: both,
        ingress: [
          { from: [{ ipBlock: { cidr: '10.0.1.0/24' } }, { ipBlock: { cidr: '10.0.2.0/24' } }], ports: tcp(3000) },
          prometheus,
        ],
        egress: [
          dns,
          { to: dataSubnets, ports: tcp(5432) },
          { to: dataSubnets, ports: tcp(6379) },
          { to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/16'] } }], ports: tcp(443) },
          { to: [{ ipBlock: { cidr: '169.254.170.23/32' } }], ports: tcp(80) },
        ],
      });
    }
  });

  it('through Nginx: to its port by number, since the VPC CNI looks for names in `containers` alone and Nginx is in none', () => {
    const [fromLoadBalancer, fromPrometheus] = policy(synthesized(variants['with Nginx']), 'web').ingress ?? [];
    expect(fromLoadBalancer?.ports).toEqual(tcp(8080));
    expect(fromPrometheus?.ports).toEqual(tcp(9090));
  });

  it('leave out of each range what is a part of it, as the API server demands', () => {
    const except = ['10.0.2.128/25'];
    const manifests = synthesized(variant('production', { loadBalancer: { exceptCidrs: except } }));
    expect(policy(manifests, 'web').ingress?.[0]).toMatchObject({
      from: [{ ipBlock: { cidr: '10.0.1.0/24' } }, { ipBlock: { cidr: '10.0.2.0/24', except } }],
    });
  });

  it('with traces: to the collector too, and the pods are told of it; without, neither', () => {
    const manifests = synthesized(variants['with traces']);
    const toCollector = {
      to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'observability' } } }],
      ports: tcp(4318),
    };
    expect(policy(manifests, 'web').egress).toEqual([...(policy(production, 'web').egress ?? []), toCollector]);
    expect(objectNamed(manifests, 'ConfigMap/slipway').data).toMatchObject({
      OTLP_ENDPOINT: 'http://collector.observability:4318',
      OTEL_SERVICE_NAME: 'slipway-production',
    });
    for (const name of environmentNames) {
      expect(objectNamed(committed(name), 'ConfigMap/slipway').data).not.toHaveProperty('OTLP_ENDPOINT');
    }
  });

  it.each([
    'collector:4318',
    'http://collector:4318',
    'http://collector.observability',
    'http://collector.observability:99999',
    'http://user:password@collector.observability:4318',
    'https://traces.example.org:443',
  ])('refuses %s as a collector, naming the field and an example', (endpoint) => {
    expect(() => variant('production', { tracing: { endpoint } })).toThrow(
      /tracing\.endpoint must be a collector in the cluster: .* such as http:\/\/collector\.observability:4318/,
    );
  });

  it('of the Jobs: to names and the database, and none in', () => {
    for (const name of ['bootstrap', 'migrate']) {
      expect(policy(production, name)).toEqual({
        ...podsOf('slipway', name),
        policyTypes: both,
        egress: [dns, { to: dataSubnets, ports: tcp(5432) }],
      });
    }
  });

  it('on a laptop: from outside the cluster and Prometheus; to names and the stores beside it', () => {
    expect(policy(local, 'web')).toEqual({
      ...podsOf('slipway', 'web'),
      policyTypes: both,
      ingress: [
        { from: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.244.0.0/16'] } }], ports: tcp(3000) },
        prometheus,
      ],
      egress: [
        dns,
        { to: [podsOf('postgres', 'database')], ports: tcp(5432) },
        { to: [podsOf('redis', 'cache')], ports: tcp(6379) },
        { to: [podsOf('s3', 'objects')], ports: tcp(7070) },
      ],
    });
  });

  it('on a laptop: into each store from those that use it, and none out', () => {
    const web = podsOf('slipway', 'web');
    const jobs = ['bootstrap', 'migrate'].map((each) => podsOf('slipway', each));
    const into = (component: string) => policy(local, component);
    expect(into('database').ingress).toEqual([{ from: [web, ...jobs], ports: tcp(5432) }]);
    expect(into('cache').ingress).toEqual([{ from: [web], ports: tcp(6379) }]);
    expect(into('objects').ingress).toEqual([{ from: [web], ports: tcp(7070) }]);
    for (const component of ['database', 'cache', 'objects']) {
      expect(into(component).policyTypes).toEqual(both);
      expect(into(component)).not.toHaveProperty('egress');
    }
  });
});
