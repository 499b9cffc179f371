// Metrics that nobody publishes but the stacks: CloudWatch Logs reads them off the access lines that the service writes anyway.
import { clientTimed, refusing, unserved } from '../rules/objectives.ts';
import type { Facts } from './facts.ts';

export interface MetricFilter {
  /** Unique, in kebab case. */
  id: string;
  logGroup: string;
  /** Source: CloudWatch Logs user guide, "Filter pattern syntax for metric filters". */
  pattern: string;
  metric: {
    namespace: string;
    name: string;
    /** A number, or the member of the line that holds it; the pattern must name that member. */
    value: string;
    unit: 'Count' | 'Milliseconds';
    /** For each minute in which lines came but none that matches; never for percentiles, which it would pull down. */
    otherwise?: number;
  };
}

/** Names of the metrics. */
export const own = {
  lines: 'AccessLines',
  requests: 'Requests',
  countedRequests: 'CountedRequests',
  serverErrors: 'ServerErrors',
  duration: 'RequestDuration',
} as const;

/** Fluent Bit of the add-on puts the line it has parsed under this name (Merge_Log_Key in its values.yaml). */
const parsed = '$.log_processed';

const both = (...conditions: readonly string[]) => `{ ${conditions.map((each) => `(${each})`).join(' && ')} }`;
const notOf = (routes: readonly string[]) => routes.map((route) => `${parsed}.route != "${route}"`);

/** The five filters; a log group takes a hundred. */
export function metricFilters({ namespace, service, ownNamespace, logGroup }: Facts): MetricFilter[] {
  const access = [
    `$.kubernetes.namespace_name = "${namespace}"`,
    `$.kubernetes.container_name = "${service}"`,
    `${parsed}.event = "access"`,
  ];
  const asked = [...access, ...notOf(unserved)];
  const counted = [...asked, ...notOf(refusing)];
  const filter = (
    id: string,
    conditions: readonly string[],
    metric: Omit<MetricFilter['metric'], 'namespace'>,
  ): MetricFilter => ({ id, logGroup, pattern: both(...conditions), metric: { namespace: ownNamespace, ...metric } });
  return [
    filter('access-lines', access, { name: own.lines, value: '1', unit: 'Count' }),
    filter('requests', asked, { name: own.requests, value: '1', unit: 'Count', otherwise: 0 }),
    // As the objective of availability has them, and what fails of them.
    filter('counted-requests', counted, { name: own.countedRequests, value: '1', unit: 'Count', otherwise: 0 }),
    filter('server-errors', [...counted, `${parsed}.status >= 500`, `${parsed}.status != 501`], {
      name: own.serverErrors,
      value: '1',
      unit: 'Count',
      otherwise: 0,
    }),
    // As the objectives of the answer time have it: what was served, and whose time is the service's own.
    filter(
      'request-duration',
      [
        ...asked,
        ...notOf(clientTimed),
        `${parsed}.status >= 200`,
        `${parsed}.status < 400`,
        `${parsed}.durationMs >= 0`,
      ],
      { name: own.duration, value: `${parsed}.durationMs`, unit: 'Milliseconds' },
    ),
  ];
}
