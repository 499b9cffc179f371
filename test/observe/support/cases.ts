// For each alert but those on objectives: a fault under which it fires, and one that comes close under which it does not.
import { burst, counter, gauge, type Labels, type Series } from './timeline.ts';

export interface Case {
  fault: readonly Series[];
  /** What is not bad enough. */
  nearly: readonly Series[];
  /** The same, for another reason. */
  alsoNearly?: readonly Series[];
  /** Labels of the alert beyond severity, namespace and service. */
  labels?: Labels;
  /** Minutes of the fault until it fires, where more than its wait has to pass: what its expression looks back over. */
  afterMinutes?: number;
  /** Its description at the end of the fault. */
  says: string;
}

export const place = { namespace: 'slipway', service: 'slipway' };
const one: Labels = { ...place, pod: 'slipway-1' };
const two: Labels = { ...place, pod: 'slipway-2' };
/** As the scrape labels series of kube-state-metrics. */
const state: Labels = { namespace: 'slipway', service: 'kube-state-metrics', job: 'kube-state-metrics' };

const up = (first: [number | undefined, number | undefined], second: [number | undefined, number | undefined]) => [
  gauge('up', one, ...first),
  gauge('up', two, ...second),
];

/** Calls that fail and that work, per minute, during the fault. */
const calls = (dependency: string, bad: number, good: number) =>
  ['ping', 'work'].flatMap((operation) => {
    const labels = { ...one, dependency, operation };
    return [
      counter('dependency_request_duration_seconds_count', { ...labels, outcome: 'ok' }, 60, good),
      counter('dependency_request_duration_seconds_count', { ...labels, outcome: 'error' }, 0, bad),
    ];
  });
const lost = (dependency: string): Case => ({
  fault: calls(dependency, 45, 15),
  nearly: calls(dependency, 25, 35),
  labels: { dependency },
  says: `75% of the calls to ${dependency} failed over the last 2 minutes. Each replica asks it at least with every look at /health.`,
});

/** @param used cores of each replica during the fault, of which one is kept for it */
const cpu = (used: number, replicas: number) => [
  counter('process_cpu_seconds_total', one, 12, 60 * used),
  counter('process_cpu_seconds_total', two, 12, 60 * used),
  ...autoscaler('current', replicas),
];
const autoscaler = (which: 'current' | 'desired', fault: number) => {
  const labels = { ...state, horizontalpodautoscaler: 'slipway' };
  return [
    gauge(`kube_horizontalpodautoscaler_status_${which}_replicas`, labels, 2, fault),
    gauge('kube_horizontalpodautoscaler_spec_max_replicas', labels, 10, 10),
  ];
};

const load = (refused: number, served: number, busy: number) => {
  const labels = { ...one, method: 'GET', route: '/load/:ms' };
  return [
    counter('http_request_duration_seconds_count', { ...labels, status: '200' }, 60, served),
    counter('http_request_duration_seconds_count', { ...labels, status: '503' }, 0, refused),
    gauge('burners_busy', one, 0, busy),
  ];
};

const queue = (replica: Labels): [string, Labels] => [
  'postgres_pool_connections',
  { ...replica, pool: 'writer', state: 'waiting' },
];
const waiting = (first: number, second: number) => [gauge(...queue(one), 0, first), gauge(...queue(two), 0, second)];

const condition = (name: string, labels: Labels, well: number, fault: number) =>
  gauge(name, { ...state, ...labels }, well, fault);
const backOff = { pod: 'slipway-1', container: 'slipway', reason: 'CrashLoopBackOff' };
const progressing = { deployment: 'slipway', condition: 'Progressing' };
const diskPressure = { node: 'node-1', condition: 'DiskPressure' };

export const cases: Readonly<Record<string, Case>> = {
  ServiceDown: {
    // One answers no more, the other has vanished from what Prometheus knows.
    fault: up([1, 0], [1, undefined]),
    nearly: up([1, 1], [1, undefined]),
    says: 'Not one replica could be scraped for 2 minutes, or none is known: the service is away, or is not watched.',
  },
  ReplicaNotScraped: {
    fault: up([1, 1], [1, 0]),
    // A replica that was removed is none that fails.
    nearly: up([1, 1], [1, undefined]),
    labels: { pod: 'slipway-2' },
    says: 'The replica slipway-2 could not be scraped for 10 minutes.',
  },
  ClusterStateUnknown: {
    fault: [gauge('kube_deployment_spec_replicas', { ...state, deployment: 'slipway' }, 2, undefined)],
    nearly: [gauge('kube_deployment_spec_replicas', { ...state, deployment: 'slipway' }, 2, 0)],
    labels: { deployment: 'slipway' },
    says: 'No series of kube-state-metrics about it for 10 minutes: the alerts on replicas, rollouts and nodes are blind.',
  },
  RedisLost: lost('redis'),
  PostgresLost: lost('postgres'),
  ObjectStoreLost: lost('objects'),
  ReaderUnused: {
    fault: [gauge('postgres_reader_used', one, 1, 1), gauge('postgres_reader_used', two, 1, 0)],
    nearly: [gauge('postgres_reader_used', one, 1, 1), gauge('postgres_reader_used', two, 1, 1)],
    says: 'At least one replica of the service has not read from it for 10 minutes, because it is away or further behind than DATABASE_READER_MAX_LAG_MS.',
  },
  PoolExhausted: {
    fault: waiting(4, 0),
    nearly: waiting(0.9, 0.9),
    // A burst of requests, over in a minute.
    alsoNearly: [burst(...queue(one), 40, 1)],
    labels: { pool: 'writer' },
    says: 'For at least half of the last 5 minutes 4 requests of a replica or more waited for a connection of the pool writer.',
  },
  CpuSaturated: {
    fault: cpu(0.7, 10),
    // Above the target, but there is a replica to add.
    nearly: cpu(0.7, 9),
    // No replica to add, and none is needed.
    alsoNearly: cpu(0.62, 10),
    says: 'The replicas use 70% of the CPU that is kept for them, for 10 minutes, and the autoscaler has none to add.',
  },
  AutoscalerAtMaximum: {
    fault: autoscaler('desired', 10),
    nearly: autoscaler('desired', 9),
    labels: { horizontalpodautoscaler: 'slipway' },
    says: 'It has wanted 10 replicas, its maximum, for 15 minutes: the next step of load finds none to add.',
  },
  BurnersExhausted: {
    fault: load(15, 45, 1),
    // Refused just as often, but nothing burns: the database is away, and that is another alert.
    nearly: load(15, 45, 0),
    says: '25% of the requests of /load were answered 503 over 5 minutes, for 10 minutes.',
  },
  EventLoopBlocked: {
    fault: [
      gauge('nodejs_eventloop_lag_p99_seconds', one, 0.011, 0.25),
      gauge('nodejs_eventloop_lag_p99_seconds', two, 0.011, 0.011),
    ],
    nearly: [gauge('nodejs_eventloop_lag_p99_seconds', one, 0.011, 0.09)],
    labels: { pod: 'slipway-1' },
    says: 'One turn in a hundred of the event loop of slipway-1 is late by 250ms or more, for 5 minutes.',
  },
  NodeDiskPressure: {
    fault: [condition('kube_node_status_condition', { ...diskPressure, status: 'true' }, 0, 1)],
    nearly: [
      condition('kube_node_status_condition', { ...diskPressure, status: 'true' }, 0, 0),
      condition('kube_node_status_condition', { ...diskPressure, status: 'false' }, 1, 1),
    ],
    labels: { node: 'node-1' },
    says: 'The node node-1 reports DiskPressure for 5 minutes.',
  },
  CrashLooping: {
    fault: [condition('kube_pod_container_status_waiting_reason', backOff, 0, 1)],
    nearly: [condition('kube_pod_container_status_waiting_reason', { ...backOff, reason: 'ContainerCreating' }, 0, 1)],
    // It failed three or four times, as while a store starts, and then ran.
    alsoNearly: [burst('kube_pod_container_status_waiting_reason', { ...state, ...backOff }, 1, 1.5)],
    labels: { pod: 'slipway-1', container: 'slipway' },
    afterMinutes: 5,
    says: 'The container slipway of slipway-1 was in CrashLoopBackOff for at least 5 of the last 10 minutes.',
  },
  RolloutStuck: {
    fault: [condition('kube_deployment_status_condition', { ...progressing, status: 'false' }, 0, 1)],
    nearly: [
      condition('kube_deployment_status_condition', { ...progressing, status: 'unknown' }, 0, 1),
      condition('kube_deployment_status_condition', { ...progressing, condition: 'Available', status: 'false' }, 0, 1),
    ],
    labels: { deployment: 'slipway' },
    says: 'The Deployment slipway has exceeded its progressDeadlineSeconds.',
  },
};
