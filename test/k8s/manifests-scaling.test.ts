// What the manifests promise of compute and scaling, row by row of docs/features.md.
import type { V1DeploymentSpec, V1PodSpec, V2HorizontalPodAutoscalerSpec } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { committed, environmentNames, type Manifest, objectNamed, synthesized, variant } from './support/manifests.ts';
import { variants } from './support/variants.ts';
import { ofKind, specOf } from './support/workloads.ts';

const production = committed('production');
const deployment = (manifests: readonly Manifest[]) =>
  specOf<V1DeploymentSpec>(objectNamed(manifests, 'Deployment/slipway'));
const pod = (manifests: readonly Manifest[]) => deployment(manifests).template.spec as V1PodSpec;
const hpa = (manifests: readonly Manifest[]) =>
  specOf<V2HorizontalPodAutoscalerSpec>(objectNamed(manifests, 'HorizontalPodAutoscaler/slipway'));

const usageOf = (name: string, averageUtilization: number) => ({
  type: 'ContainerResource',
  containerResource: { name, container: 'slipway', target: { type: 'Utilization', averageUtilization } },
});

const fast = [
  { type: 'Percent', value: 100, periodSeconds: 15 },
  { type: 'Pods', value: 4, periodSeconds: 15 },
];

describe('compute and scaling', () => {
  it('C2: the base runs on Spot in staging, on demand in production, and anywhere on a laptop', () => {
    const preferred = (capacity: string) => ({
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 100,
            preference: {
              matchExpressions: [{ key: 'eks.amazonaws.com/capacityType', operator: 'In', values: [capacity] }],
            },
          },
        ],
      },
    });
    expect(pod(committed('staging')).affinity).toEqual(preferred('SPOT'));
    expect(pod(production).affinity).toEqual(preferred('ON_DEMAND'));
    expect(pod(committed('local'))).not.toHaveProperty('affinity');
  });

  it('C3: 2 replicas at rest and at most 10, set by the HPA and by nothing else', () => {
    for (const name of ['staging', 'production']) {
      expect(hpa(committed(name))).toMatchObject({
        minReplicas: 2,
        maxReplicas: 10,
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'slipway' },
      });
    }
    expect(hpa(committed('local'))).toMatchObject({ minReplicas: 2, maxReplicas: 6 });
    for (const name of environmentNames) expect(deployment(committed(name))).not.toHaveProperty('replicas');
  });

  it('C4: band-50-30 scales out above 50 % for 2 minutes and in below 30 % for 5', () => {
    const { metrics, behavior } = hpa(synthesized(variants['scaling by band-50-30']));
    expect(metrics).toEqual([usageOf('cpu', 50)]);
    expect(behavior).toEqual({
      scaleUp: { stabilizationWindowSeconds: 120, tolerance: '0', selectPolicy: 'Max', policies: fast },
      // 50 % × (1 − 0.4) = 30 %
      scaleDown: {
        stabilizationWindowSeconds: 300,
        tolerance: '400m',
        selectPolicy: 'Max',
        policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }],
      },
    });
  });

  it('C5: band-80-20 scales out above 80 % and in below 20 % after 2 minutes, one pod each 5 minutes', () => {
    const { metrics, behavior } = hpa(synthesized(variants['scaling by band-80-20']));
    const step = {
      stabilizationWindowSeconds: 120,
      selectPolicy: 'Max',
      policies: [{ type: 'Pods', value: 1, periodSeconds: 300 }],
    };
    expect(metrics).toEqual([usageOf('cpu', 80)]);
    // 80 % × (1 − 0.75) = 20 %
    expect(behavior).toEqual({ scaleUp: { ...step, tolerance: '0' }, scaleDown: { ...step, tolerance: '750m' } });
  });

  it('C6: responsive, the default, keeps 60 % of CPU, scales out at once and in by one pod a minute after 5', () => {
    expect(hpa(production)).toEqual({
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'slipway' },
      minReplicas: 2,
      maxReplicas: 10,
      metrics: [usageOf('cpu', 60)],
      behavior: {
        scaleUp: { stabilizationWindowSeconds: 0, tolerance: '100m', selectPolicy: 'Max', policies: fast },
        scaleDown: {
          stabilizationWindowSeconds: 300,
          tolerance: '100m',
          selectPolicy: 'Max',
          policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }],
        },
      },
    });
  });

  it('C6: none has no HPA and a fixed number of replicas', () => {
    const manifests = synthesized(variants['without scaling']);
    expect(ofKind(manifests, 'HorizontalPodAutoscaler')).toEqual([]);
    expect(deployment(manifests).replicas).toBe(3);
  });

  it('C7: memory is one more metric, of the service alone', () => {
    expect(hpa(synthesized(variants['scaling on memory'])).metrics).toEqual([
      usageOf('cpu', 60),
      usageOf('memory', 80),
    ]);
  });

  it('C7: requests per second are one more metric, and the rule by which prometheus-adapter serves it is part of the output', () => {
    const manifests = synthesized(variants['scaling on requests']);
    expect(hpa(manifests).metrics).toEqual([
      usageOf('cpu', 60),
      {
        type: 'Pods',
        pods: { metric: { name: 'http_requests_per_second' }, target: { type: 'AverageValue', averageValue: 200 } },
      },
    ]);
    const { data, metadata } = objectNamed(manifests, 'ConfigMap/slipway-metrics-adapter');
    expect(metadata.namespace).toBe('monitoring');
    const { rules } = parse((data as Record<string, string>)['config.yaml'] ?? '');
    expect(rules).toEqual([
      {
        seriesQuery: 'http_request_duration_seconds_count{namespace="slipway",pod!=""}',
        resources: { overrides: { namespace: { resource: 'namespace' }, pod: { resource: 'pod' } } },
        name: { as: 'http_requests_per_second' },
        metricsQuery: 'sum(rate(<<.Series>>{<<.LabelMatchers>>}[1m])) by (<<.GroupBy>>)',
      },
    ]);
    expect(ofKind(production, 'ConfigMap').map((each) => each.metadata.name)).not.toContain('slipway-metrics-adapter');
  });

  it('C8: cost removes all that is idle after a minute, in one step, whatever scales out', () => {
    const cheap = {
      stabilizationWindowSeconds: 60,
      tolerance: '100m',
      selectPolicy: 'Max',
      policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
    };
    const { behavior } = hpa(synthesized(variants['scaling in at low cost']));
    expect(behavior?.scaleDown).toEqual(cheap);
    expect(behavior?.scaleUp).toEqual(hpa(production).behavior?.scaleUp);
    expect(hpa(committed('staging')).behavior?.scaleDown).toEqual(cheap);
  });

  it('C9: no pod goes before its successor is ready, one at a time is evicted, and pods are spread', () => {
    expect(deployment(production).strategy).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: { maxUnavailable: 0, maxSurge: 2 },
    });
    const own = { 'app.kubernetes.io/name': 'slipway', 'app.kubernetes.io/component': 'web' };
    expect(specOf(objectNamed(production, 'PodDisruptionBudget/slipway'))).toEqual({
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: own },
    });
    const spread = {
      maxSkew: 1,
      labelSelector: { matchLabels: own },
      matchLabelKeys: ['pod-template-hash'],
      nodeTaintsPolicy: 'Honor',
    };
    expect(pod(production).topologySpreadConstraints).toEqual([
      { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule', ...spread },
      { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway', ...spread },
    ]);
  });

  it.each([
    ['local', 20, 60],
    ['staging', 60, 600],
    ['production', 60, 600],
  ])(
    'C9: a pod of a lost node is replaced, a stuck rollout is told of: %s after %i s and %i s',
    (name, evict, stuck) => {
      expect(pod(committed(name)).tolerations).toEqual(
        ['not-ready', 'unreachable'].map((condition) => ({
          key: `node.kubernetes.io/${condition}`,
          operator: 'Exists',
          effect: 'NoExecute',
          tolerationSeconds: evict,
        })),
      );
      expect(deployment(committed(name)).progressDeadlineSeconds).toBe(stuck);
    },
  );

  it('C10: a stuck process is started again after three times 10 s without an answer of /live', () => {
    const [container] = pod(production).containers;
    expect(container?.livenessProbe).toEqual({
      httpGet: { path: '/live', port: 'http' },
      periodSeconds: 10,
      timeoutSeconds: 2,
      failureThreshold: 3,
      // It has nothing to drain.
      terminationGracePeriodSeconds: 10,
    });
    expect(container?.readinessProbe).toEqual({
      httpGet: { path: '/health', port: 'http' },
      periodSeconds: 5,
      timeoutSeconds: 2,
      failureThreshold: 2,
    });
    // Not /health: what a new pod waits for, as for a migration, must not get it restarted.
    expect(container?.startupProbe).toEqual({
      httpGet: { path: '/live', port: 'http' },
      periodSeconds: 1,
      timeoutSeconds: 2,
      failureThreshold: 120,
    });
  });

  it.each([
    ['local', '100m', '256Mi', '64Mi'],
    ['staging', '500m', '384Mi', '256Mi'],
    ['production', '1000m', '512Mi', '512Mi'],
  ])('C11: the size of a pod is a setting: in %s %s CPU, %s memory, %s disk', (name, cpu, memory, disk) => {
    const fixed = { memory, 'ephemeral-storage': disk };
    expect(pod(committed(name)).containers[0]?.resources).toEqual({ requests: { cpu, ...fixed }, limits: fixed });
  });

  it('C11: a limit of CPU is a setting too, and there is none by default', () => {
    expect(pod(synthesized(variants['with a CPU limit'])).containers[0]?.resources?.limits?.cpu).toBe('1500m');
  });

  it('C13: on a laptop windows are a tenth, so that the scaling test sees pods come and go', () => {
    expect(hpa(committed('local')).behavior).toEqual({
      scaleUp: { stabilizationWindowSeconds: 0, tolerance: '100m', selectPolicy: 'Max', policies: fast },
      scaleDown: {
        stabilizationWindowSeconds: 30,
        tolerance: '100m',
        selectPolicy: 'Max',
        policies: [{ type: 'Pods', value: 1, periodSeconds: 15 }],
      },
    });
    const band = variant('local', { scaling: { profile: 'band-50-30' } });
    expect(hpa(synthesized(band)).behavior).toMatchObject({
      scaleUp: { stabilizationWindowSeconds: 12, tolerance: '0', policies: fast },
      scaleDown: { stabilizationWindowSeconds: 30, tolerance: '400m' },
    });
  });
});
