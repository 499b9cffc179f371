// What the constructs refuse, and how they set fields that cdk8s-plus-28 does not know.
import { App, Chart, JsonPatch } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import { AlbIngress } from '../../k8s/constructs/alb-ingress.ts';
import { overlay } from '../../k8s/constructs/overlay.ts';
import { render } from '../../k8s/synth.ts';
import type { Manifest } from './support/manifests.ts';

const chart = () => new Chart(new App(), 'test', { disableResourceNameHashes: true });
const text = (scope: Chart) => render(scope.toJson() as Manifest[]);
const autoscaler = (scope: Chart) =>
  new k8s.KubeHorizontalPodAutoscalerV2(scope, 'hpa', {
    metadata: { name: 'web' },
    spec: {
      scaleTargetRef: { kind: 'Deployment', name: 'web' },
      maxReplicas: 3,
      behavior: { scaleUp: { stabilizationWindowSeconds: 0 } },
    },
  });

describe('overlay', () => {
  it('sets a field of Kubernetes 1.35 that a patch of cdk8s loses', () => {
    const patched = chart();
    autoscaler(patched).addJsonPatch(JsonPatch.add('/spec/behavior/scaleUp/tolerance', '100m'));
    // When this fails the typed object knows the field, and overlay has had its day.
    expect(text(patched)).not.toContain('tolerance');

    const overlaid = chart();
    overlay(autoscaler(overlaid), ['spec', 'behavior', 'scaleUp', 'tolerance'], '100m');
    expect(text(overlaid)).toContain('tolerance: 100m');
    expect(text(overlaid)).toContain('stabilizationWindowSeconds: 0');
  });

  it('can be laid on twice', () => {
    const scope = chart();
    const hpa = autoscaler(scope);
    overlay(hpa, ['spec', 'behavior', 'scaleUp', 'tolerance'], '0');
    overlay(hpa, ['spec', 'behavior', 'scaleDown'], { tolerance: '400m' });
    expect(text(scope)).toContain('tolerance: "0"');
    expect(text(scope)).toContain('tolerance: 400m');
  });

  it('tells of a place that is not there, where it would be lost', () => {
    const scope = chart();
    overlay(autoscaler(scope), ['spec', 'behavior', 'scaleDown', 'tolerance'], '0');
    expect(() => text(scope)).toThrow('HorizontalPodAutoscaler web has no spec.behavior.scaleDown to set tolerance in');
  });
});

it('a name that is too long for a load balancer is refused, with the limit', () => {
  const loadBalancerName = 'a-service-of-twenty1-a-environmen';
  expect(
    () =>
      new AlbIngress(chart(), 'ingress', {
        namespace: 'web',
        identity: { name: 'web', component: 'web', partOf: 'web' },
        loadBalancerName,
        routes: [{ path: '/', service: 'web', port: 'http' }],
        healthCheck: { path: '/', intervalSeconds: 30, timeoutSeconds: 5, healthyThreshold: 2, unhealthyThreshold: 2 },
        idleSeconds: 60,
        deregistrationDelaySeconds: 30,
        deletionProtection: false,
      }),
  ).toThrow(`The load balancer's name ${loadBalancerName} has 33 characters; AWS takes 32.`);
});
