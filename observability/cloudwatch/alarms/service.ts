// Alarms on the service itself: its answers, by its own log, and its pods, by Container Insights.
import { burnWindows, fewestBad, latencyCeilings, objectives } from '../../rules/objectives.ts';
import type { Facts } from '../facts.ts';
import { minute, ofCluster, ofLog, ofPods } from '../metrics.ts';
import type { Alarm } from '../model.ts';
import { own } from '../publisher.ts';

const fiveMinutes = 5 * minute;
const tenMinutes = 10 * minute;

/** Whoever reports nothing is missed once, by the alarm on what must always be there. */
const silenceElsewhere = (alarm: string) => `Silence is told of once, by ${alarm}.`;
const noTraffic = `Without requests there is nothing to measure; that no line comes at all is told of by access-log-silent.`;

const answers = (facts: Facts): Alarm[] => {
  const log = ofLog(facts);
  const { target } = objectives.find(({ id }) => id === 'availability') as (typeof objectives)[number];
  const [{ factor }] = burnWindows as [(typeof burnWindows)[number]];
  return [
    {
      name: 'error-rate-high',
      severity: 'page',
      summary: 'The service fails requests (5xx).',
      runbook: 'Error rate high',
      measure: {
        math: {
          expression: `IF(errors >= ${fewestBad}, 100 * errors / requests, 0)`,
          of: {
            errors: log(own.serverErrors, 'Sum', fiveMinutes),
            requests: log(own.countedRequests, 'Sum', fiveMinutes),
          },
        },
        label: 'failed requests in percent',
      },
      bad: 'from',
      threshold: Number((factor * (1 - target) * 100).toFixed(2)),
      because: `${factor} times what the objective of ${target * 100} % allows, as the fastest alert on its budget has it (Site Reliability Workbook, table 5-8); fewer than ${fewestBad} failures wake nobody.`,
      periods: { bad: 2, of: 3 },
      missing: 'notBreaching',
      missingBecause: noTraffic,
    },
    ...latencyCeilings.map(({ quantile, seconds }): Alarm => {
      const percent = quantile * 100;
      return {
        name: `latency-p${percent}-high`,
        severity: 'ticket',
        summary: `More than ${Math.round(100 - percent)} of 100 requests take longer than ${seconds * 1000} ms.`,
        runbook: 'Latency high',
        measure: { metric: log(own.duration, `p${percent}` as `p${number}`, fiveMinutes) },
        bad: 'from',
        threshold: seconds * 1000,
        because: `The ceiling of the objective latency-p${percent}, in milliseconds.`,
        periods: { bad: 3, of: 3 },
        missing: 'notBreaching',
        missingBecause: noTraffic,
        fewSamples: {
          is: 'ignore',
          because:
            'Of a handful of requests at night one is the slowest hundredth: the state waits for enough of them.',
        },
      };
    }),
    {
      name: 'access-log-silent',
      severity: 'page',
      summary: 'No access line has come for a quarter of an hour, not even of a probe.',
      runbook: 'Access log silent',
      measure: { metric: log(own.lines, 'Sum', fiveMinutes) },
      bad: 'below',
      threshold: 1,
      because:
        'The load balancer alone asks each pod for /health every few seconds: no line is an outage, or a log that is lost.',
      periods: { bad: 3, of: 3 },
      missing: 'breaching',
      missingBecause: 'A metric filter without lines makes no data: this is the very case.',
    },
  ];
};

const pods = (facts: Facts): Alarm[] => {
  const of = ofPods(facts);
  const { least, most, scales } = facts.replicas;
  return [
    {
      name: 'replicas-low',
      severity: 'page',
      summary: `Fewer than ${least} replicas answer.`,
      runbook: 'Service down',
      measure: { metric: of('status_replicas_available', 'Minimum') },
      bad: 'below',
      threshold: least,
      because: 'scaling.minReplicas; a rollout makes the new pod before it ends an old one.',
      periods: { bad: 5, of: 5 },
      missing: 'breaching',
      missingBecause: 'Container Insights reports every Deployment each minute: no data is no Deployment, or no agent.',
    },
    {
      name: 'cpu-high',
      severity: 'page',
      summary: 'The pods use more CPU than they request, and scaling does not help.',
      runbook: 'CPU high',
      measure: {
        math: {
          expression: '100 * cpu / kept',
          of: {
            cpu: of('pod_cpu_utilization', 'Average', fiveMinutes),
            kept: of('pod_cpu_reserved_capacity', 'Average', fiveMinutes),
          },
        },
        label: 'CPU used, in percent of the request',
      },
      bad: 'from',
      threshold: 100,
      because: 'The HPA acts far below; at the request there is only what other pods on the node leave.',
      periods: { bad: 3, of: 3 },
      missing: 'missing',
      missingBecause: silenceElsewhere('replicas-low'),
    },
    {
      name: 'memory-high',
      severity: 'ticket',
      summary: 'A pod is near the memory limit at which the kernel kills it.',
      runbook: 'Memory high',
      measure: { metric: of('pod_memory_utilization_over_pod_limit', 'Maximum', fiveMinutes) },
      bad: 'from',
      threshold: 90,
      because: 'At 100 % the kernel kills it, and what it could take back is not counted.',
      periods: { bad: 2, of: 3 },
      missing: 'missing',
      missingBecause: silenceElsewhere('replicas-low'),
    },
    {
      name: 'crash-loop',
      severity: 'ticket',
      summary: 'A container ends again and again.',
      runbook: 'Crash loop',
      measure: { metric: of('pod_container_status_waiting_reason_crash_loop_back_off', 'Maximum', fiveMinutes) },
      bad: 'from',
      threshold: 1,
      because: 'One is one too many; the kubelet waits up to five minutes between two attempts, a period.',
      periods: { bad: 2, of: 3 },
      missing: 'notBreaching',
      missingBecause: 'Reported only of pods that wait for it.',
    },
    ...(scales
      ? [
          {
            name: 'hpa-at-maximum',
            severity: 'ticket',
            summary: `The HPA wants ${most} replicas, and may not have more.`,
            runbook: 'HPA at maximum',
            measure: { metric: of('replicas_desired', 'Minimum', fiveMinutes) },
            bad: 'from',
            threshold: most,
            because: 'scaling.maxReplicas.',
            periods: { bad: 3, of: 3 },
            missing: 'missing',
            missingBecause: silenceElsewhere('replicas-low'),
          } satisfies Alarm,
        ]
      : []),
  ];
};

const nodes = (facts: Facts): Alarm[] => {
  const of = ofCluster(facts);
  return [
    {
      name: 'node-failed',
      severity: 'ticket',
      summary: 'A node has been unwell for a quarter of an hour.',
      runbook: 'Node failed',
      measure: { metric: of('cluster_failed_node_count', 'Maximum', fiveMinutes) },
      bad: 'from',
      threshold: 1,
      because:
        'Pods move after rollout.evictAfterSeconds; a node that is still there a quarter of an hour later is not replaced by itself.',
      periods: { bad: 3, of: 3 },
      missing: 'missing',
      missingBecause: silenceElsewhere('replicas-low'),
    },
    {
      name: 'node-disk-high',
      severity: 'ticket',
      summary: 'The disk of a node fills up.',
      runbook: 'Node disk high',
      measure: { metric: of('node_filesystem_utilization', 'Maximum', tenMinutes) },
      bad: 'from',
      threshold: 87,
      because:
        'At 85 % the kubelet deletes images (imageGCHighThresholdPercent), at 90 % it evicts pods (nodefs.available): in between that did not help.',
      periods: { bad: 2, of: 2 },
      missing: 'missing',
      missingBecause: silenceElsewhere('replicas-low'),
    },
  ];
};

export const serviceAlarms = (facts: Facts): Alarm[] => [...answers(facts), ...pods(facts), ...nodes(facts)];
