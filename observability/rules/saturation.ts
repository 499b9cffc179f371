// Alerts on what runs out: CPU, replicas, burners, the event loop, disks of nodes.
import { ofAutoscaler, ofService } from '../selectors.ts';
import type { Alert, RuleScope } from './model.ts';
import { recorded } from './recording.ts';
import { plain } from './span.ts';

/**
 * By this share the CPU must be above the target. Within it an HPA may rest: a tenth is Kubernetes' default (kubernetes.io, "Horizontal Pod
 * Autoscaling", tolerance) and the most that a profile of ours tolerates upwards; those of a band tolerate nothing, and are held to it too.
 */
const tolerance = 0.1;
const scales = ({ cluster }: RuleScope) => cluster?.cpuTargetPercent !== undefined;
const autoscaler = (scope: RuleScope, name: string) => `kube_horizontalpodautoscaler_${name}${ofAutoscaler(scope)}`;
const atMaximum = (scope: RuleScope, which: 'current' | 'desired') =>
  `max by (namespace, horizontalpodautoscaler) (${autoscaler(scope, `status_${which}_replicas`)}) >= on (namespace, horizontalpodautoscaler) max by (namespace, horizontalpodautoscaler) (${autoscaler(scope, 'spec_max_replicas')})`;
const load = 'route="/load/:ms"';

export const saturationAlerts: readonly Alert[] = [
  {
    name: 'CpuSaturated',
    severity: 'page',
    runbook: 'CPU high',
    summary: 'All replicas are in use and the CPU is above its target',
    description:
      'The replicas use {{ $value | humanizePercentage }} of the CPU that is kept for them, for 10 minutes, and the autoscaler has none to add.',
    sources: ['service', 'kube-state-metrics'],
    forSeconds: 600,
    applies: scales,
    expression: (scope) =>
      `${recorded.cpu}${ofService(scope)} > ${plain(((scope.cluster?.cpuTargetPercent ?? Number.NaN) / 100) * (1 + tolerance))} and on (namespace) (${atMaximum(scope, 'current')})`,
  },
  {
    name: 'AutoscalerAtMaximum',
    severity: 'ticket',
    runbook: 'HPA at maximum',
    summary: 'The autoscaler wants all the replicas that it may have',
    description:
      'It has wanted {{ $value }} replicas, its maximum, for 15 minutes: the next step of load finds none to add.',
    sources: ['kube-state-metrics'],
    forSeconds: 900,
    applies: scales,
    expression: (scope) => atMaximum(scope, 'desired'),
  },
  {
    name: 'BurnersExhausted',
    severity: 'ticket',
    runbook: 'Burners exhausted',
    summary: 'Requests of /load are refused because all burners are busy',
    description:
      '{{ $value | humanizePercentage }} of the requests of /load were answered 503 over 5 minutes, for 10 minutes.',
    sources: ['service'],
    forSeconds: 600,
    // While the database is away /load is 503 too, but then nothing burns.
    expression: (scope, { span }) => {
      const rate = (...more: string[]) =>
        `sum by (namespace, service) (rate(http_request_duration_seconds_count${ofService(scope, load, ...more)}[${span(300)}]))`;
      const burning = `max by (namespace, service) (max_over_time(burners_busy${ofService(scope)}[${span(300)}])) > 0`;
      return `${rate('status="503"')} / ${rate()} > 0.1 and on (namespace, service) ${burning}`;
    },
  },
  {
    name: 'EventLoopBlocked',
    severity: 'ticket',
    runbook: 'Event loop blocked',
    summary: 'The event loop of a replica is late by more than 100 ms',
    description:
      'One turn in a hundred of the event loop of {{ $labels.pod }} is late by {{ $value | humanizeDuration }} or more, for 5 minutes.',
    sources: ['service'],
    forSeconds: 300,
    // /live promises its answer within 100 ms.
    expression: (scope) =>
      `max by (namespace, service, pod) (nodejs_eventloop_lag_p99_seconds${ofService(scope)}) > 0.1`,
  },
  {
    name: 'NodeDiskPressure',
    severity: 'ticket',
    runbook: 'Node disk high',
    summary: 'The disk of a node is nearly full: its pods are being evicted',
    description: 'The node {{ $labels.node }} reports DiskPressure for 5 minutes.',
    sources: ['kube-state-metrics'],
    forSeconds: 300,
    applies: ({ cluster }) => cluster !== undefined,
    expression: () => 'max by (node) (kube_node_status_condition{condition="DiskPressure",status="true"}) == 1',
  },
];
