// Alerts on what Kubernetes does with the pods.
import { ofDeployment } from '../selectors.ts';
import type { Alert, RuleScope } from './model.ts';

const inCluster = ({ cluster }: RuleScope) => cluster !== undefined;

export const workloadAlerts: readonly Alert[] = [
  {
    name: 'CrashLooping',
    severity: 'ticket',
    runbook: 'Crash loop',
    summary: 'A container ends again and again',
    description:
      'The container {{ $labels.container }} of {{ $labels.pod }} was in CrashLoopBackOff for at least 5 of the last 10 minutes.',
    sources: ['kube-state-metrics'],
    forSeconds: 0,
    applies: inCluster,
    // Between two attempts it runs for a moment, and the series is gone: its time in back-off is added up, 10 of 20 looks.
    expression: ({ namespace }, { span }) => {
      const backOff = `max by (namespace, pod, container) (kube_pod_container_status_waiting_reason{namespace="${namespace}",reason="CrashLoopBackOff"})`;
      return `sum_over_time(${backOff}[${span(600)}:${span(30)}]) >= 10`;
    },
  },
  {
    name: 'RolloutStuck',
    severity: 'ticket',
    runbook: 'Rollout stuck',
    summary: 'A rollout makes no progress; the old pods serve on',
    description: 'The Deployment {{ $labels.deployment }} has exceeded its progressDeadlineSeconds.',
    sources: ['kube-state-metrics'],
    forSeconds: 60,
    applies: inCluster,
    expression: (scope) =>
      `max by (namespace, deployment) (kube_deployment_status_condition${ofDeployment(scope, 'condition="Progressing"', 'status="false"')}) == 1`,
  },
];
