// Rollouts and the HPA.
import type { Row } from '../model.ts';
import { ofAutoscaler, ofContainer, ofDeployment, ofService } from '../selectors.ts';
import { noContainers, noKubernetes, notScraped } from './traffic.ts';

const replicas = [
  ['current', 'status_current_replicas'],
  ['desired', 'status_desired_replicas'],
  ['at least', 'spec_min_replicas'],
  ['at most', 'spec_max_replicas'],
] as const;

const rollout = [
  ['wanted', 'kube_deployment_spec_replicas'],
  ['updated', 'kube_deployment_status_replicas_updated'],
  ['available', 'kube_deployment_status_replicas_available'],
  ['unavailable', 'kube_deployment_status_replicas_unavailable'],
] as const;

export const scalingRow: Row = {
  title: 'Rollout and autoscaling',
  panels: [
    {
      id: 'hpa-replicas',
      title: 'Replicas of the HPA',
      question: 'How many instances are there, how many does the HPA want, and is it at a limit?',
      kind: 'lines',
      unit: 'count',
      noData: 'There is no HPA of that name, or kube-state-metrics is missing.',
      queries: replicas.map(([legend, metric]) => ({
        legend,
        source: 'kube-state-metrics' as const,
        expression: (scope) => `max(kube_horizontalpodautoscaler_${metric}${ofAutoscaler(scope)})`,
      })),
    },
    {
      id: 'hpa-target',
      title: 'CPU used of what is requested, and the target',
      question: 'How far from its target is the load that the HPA acts on?',
      kind: 'lines',
      unit: 'ratio',
      noData: noContainers,
      queries: [
        {
          legend: 'used',
          source: 'cadvisor',
          expression: (scope) =>
            `sum(rate(container_cpu_usage_seconds_total${ofContainer(scope)}[${scope.range}])) / sum(kube_pod_container_resource_requests${ofContainer(scope, 'resource="cpu"')})`,
        },
        {
          legend: 'target',
          source: 'kube-state-metrics',
          notRun: 'the kube-state-metrics of the test cluster does not serve this series',
          expression: (scope) =>
            `max(kube_horizontalpodautoscaler_spec_target_metric${ofAutoscaler(scope, 'metric_name="cpu"', 'metric_target_type="utilization"')}) / 100`,
        },
      ],
    },
    {
      id: 'rollout',
      title: 'Rollout',
      question: 'Is a rollout under way, and does it get on?',
      kind: 'lines',
      unit: 'count',
      noData: noKubernetes,
      queries: rollout.map(([legend, metric]) => ({
        legend,
        source: 'kube-state-metrics' as const,
        expression: (scope) => `max(${metric}${ofDeployment(scope)})`,
      })),
    },
    {
      id: 'restarts',
      title: 'Restarts of containers in an hour',
      question: 'Does an instance crash, or is it killed for its memory or its probes?',
      kind: 'lines',
      unit: 'count',
      thresholds: [
        { value: 1, severity: 'warning' },
        { value: 3, severity: 'critical' },
      ],
      noData: noKubernetes,
      queries: [
        {
          legend: '{{pod}}',
          source: 'kube-state-metrics',
          expression: (scope) =>
            `sum by (pod) (increase(kube_pod_container_status_restarts_total${ofContainer(scope)}[1h]))`,
        },
      ],
    },
    {
      id: 'draining',
      title: 'Instances that drain',
      question: 'How many instances still answer but have been told to end?',
      kind: 'lines',
      unit: 'count',
      noData: notScraped,
      queries: [
        { legend: 'draining', source: 'service', expression: (scope) => `sum(service_draining${ofService(scope)})` },
      ],
    },
  ],
};
