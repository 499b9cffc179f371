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
      'The container {{ $labels.container }} of {{ $labels.pod }} has been in CrashLoopBackOff for 5 minutes.',
    sources: ['kube-state-metrics'],
    forSeconds: 300,
    applies: inCluster,
    // Between two attempts it runs for a moment: the last minutes count, not this one.
    expression: ({ namespace }, { span }) =>
      `max by (namespace, pod, container) (max_over_time(kube_pod_container_status_waiting_reason{namespace="${namespace}",reason="CrashLoopBackOff"}[${span(300)}])) == 1`,
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
