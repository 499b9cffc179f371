// The panels of the Grafana overview in CloudWatch: what each is made of here, or why it has no counterpart.

import { questions } from '../logs/questions.ts';
import type { Panel, Row } from '../model.ts';
import { budgetOf, clientTimed, latencyCeilings, objectives, periodDays, unserved } from '../rules/objectives.ts';
import { plain } from '../rules/span.ts';
import { replicaLagSeconds } from './alarms/stores.ts';
import type { Facts } from './facts.ts';
import { minute, ofDatabase, ofLog, ofPods, ofService } from './metrics.ts';
import type { Chart, Line, LogTable, Series, Widget, WidgetRow } from './model.ts';
import { own } from './publisher.ts';

/** Title is the panel's; so are question and unit, unless CloudWatch answers another or counts in another. */
type Drawn = Pick<Chart, 'series' | 'lastHours'> & Partial<Pick<Chart, 'unit' | 'question'>>;

export type Counterpart =
  | { number: Drawn }
  /** The lines across it are the panel's thresholds, unless unit or lines are others. */
  | { chart: Drawn & { lines?: readonly Line[] } }
  | { table: Pick<LogTable, 'query'> }
  /** Why there is none, in a sentence. */
  | { none: string };

const prometheusOnly = 'Only the service measures this, and its own metrics go to Prometheus.';
const day = 24;

/** CPU of a pod as a share of what it requests: both are published as percentages of the same node. */
const used = (facts: Facts) => ({
  cpu: ofPods(facts)('pod_cpu_utilization', 'Average'),
  kept: ofPods(facts)('pod_cpu_reserved_capacity', 'Average'),
});

/** Bytes per second of all pods: those of a pod on average, times the pods. */
const traffic = (facts: Facts, direction: 'rx' | 'tx', label: string): Series => ({
  label,
  math: {
    expression: `${direction} * ${direction}_pods`,
    of: {
      [direction]: ofPods(facts)(`pod_network_${direction}_bytes`, 'Average'),
      [`${direction}_pods`]: ofService(facts)('service_number_of_running_pods', 'Average'),
    },
  },
});

/** Steps of the wanted replicas, counted from the start of the chart on: the newest value is their number. */
const steps = (facts: Facts, label: string, name: string, comparison: '<' | '>'): Series => ({
  label,
  math: {
    expression: `RUNNING_SUM(IF(DIFF(${name}) ${comparison} 0, 1, 0))`,
    of: { [name]: ofPods(facts)('replicas_desired', 'Maximum') },
  },
});

/** Failed requests as a multiple of those that the objective of availability allows. @param over what is made of each metric first */
function burn(facts: Facts, periodSeconds: number, over = (metric: string) => metric): Series {
  const availability = objectives.find(({ id }) => id === 'availability') as (typeof objectives)[number];
  const log = ofLog(facts);
  return {
    label: availability.id,
    math: {
      expression: `${over('errors')} / ${over('requests')} / ${plain(budgetOf(availability))}`,
      of: {
        errors: log(own.serverErrors, 'Sum', periodSeconds),
        requests: log(own.countedRequests, 'Sum', periodSeconds),
      },
    },
  };
}

/** The query of a question, asked of this service's lines alone: the log group has those of every pod. @throws when there is no such question */
function answered({ namespace, service }: Facts, id: string): readonly string[] {
  const found = questions.find((each) => each.id === id);
  if (found === undefined) throw new Error(`observability/logs/questions.ts has no question ${id}.`);
  return [
    `filter kubernetes.namespace_name = "${namespace}" and kubernetes.container_name = "${service}"`,
    ...found.insights.split('\n| '),
    'limit 30',
  ];
}

/** By the id of the panel. */
export function counterparts(facts: Facts): Readonly<Record<string, Counterpart>> {
  const pods = ofPods(facts);
  const log = ofLog(facts);
  const { replicas, pod, database } = facts;
  return {
    'active-instances': {
      number: {
        question: `How many pods run behind the Service? At least ${replicas.least} should.`,
        series: [{ label: 'instances', metric: ofService(facts)('service_number_of_running_pods', 'Minimum') }],
      },
    },
    requests: { chart: { series: [{ label: 'requests', metric: log(own.requests, 'Sum') }] } },
    cpu: {
      chart: {
        series: [{ label: 'each, on average', math: { expression: `cpu / kept * ${pod.cores}`, of: used(facts) } }],
        lines: [{ label: 'requested by each', value: pod.cores }],
      },
    },
    latency: {
      chart: {
        unit: 'milliseconds',
        series: latencyCeilings.map(({ quantile }) => ({
          label: `p${quantile * 100}`,
          metric: log(own.duration, `p${quantile * 100}`),
        })),
        lines: latencyCeilings.map(({ quantile, seconds }) => ({
          label: `p${quantile * 100} at most`,
          value: seconds * 1000,
        })),
      },
    },
    health: {
      number: {
        series: [
          { label: 'ready', metric: pods('replicas_ready', 'Minimum') },
          { label: 'wanted', metric: pods('replicas_desired', 'Maximum') },
        ],
      },
    },
    'ready-share': {
      number: {
        series: [
          {
            label: 'ready',
            math: {
              expression: 'ready / wanted',
              of: { ready: pods('replicas_ready', 'Minimum'), wanted: pods('replicas_desired', 'Maximum') },
            },
          },
        ],
      },
    },
    'budget-used': {
      number: {
        question: `How much of the ${periodDays} days' budget of availability is used? From 1 on the objective is missed.`,
        series: [burn(facts, day * 60 * minute, (metric) => `RUNNING_SUM(${metric})`)],
        lastHours: periodDays * day,
      },
    },
    'budget-burn': {
      chart: {
        question: 'How many times faster than allowed does the budget of availability go?',
        series: [burn(facts, 60 * minute)],
      },
    },
    'scale-events': {
      number: {
        series: [steps(facts, 'scale-out', 'more', '>'), steps(facts, 'scale-in', 'fewer', '<')],
        lastHours: day,
      },
    },
    network: { chart: { series: [traffic(facts, 'rx', 'in'), traffic(facts, 'tx', 'out')] } },
    'route-rate': { table: { query: answered(facts, 'slowest-routes') } },
    'route-errors': {
      none: 'Errors are in "Refused requests by status", those of the service too; none is counted by route.',
    },
    'route-duration': { none: 'A column of the table "Requests by route".' },
    refusals: { table: { query: answered(facts, 'errors-by-code') } },
    ...Object.fromEntries(
      ['rate', 'errors', 'duration'].flatMap((what) =>
        ['redis', 'postgres', 'objects'].map((store) => [`${store}-${what}`, { none: prometheusOnly }]),
      ),
    ),
    'pool-connections': { none: `${prometheusOnly} What the server sees of it is in the row "PostgreSQL (RDS)".` },
    'pool-waiting': { none: prometheusOnly },
    'reader-lag':
      database.reader === undefined
        ? { none: 'This environment has no read replica.' }
        : {
            chart: {
              question: 'How far is the replica behind? When nothing is written, RDS shows up to five minutes.',
              series: [{ label: 'lag', metric: ofDatabase(database.reader)('ReplicaLag', 'Maximum') }],
              lines: [{ label: 'alarm', value: replicaLagSeconds }],
            },
          },
    'cache-hits': { none: prometheusOnly },
    'event-loop': { none: prometheusOnly },
    gc: { none: prometheusOnly },
    heap: { none: prometheusOnly },
    memory: {
      none: `${prometheusOnly} The panel "Memory as the kubelet counts it" has what the limit is held against.`,
    },
    'working-set': {
      chart: {
        series: [
          {
            label: 'highest',
            math: {
              expression: `share / 100 * ${pod.memoryBytes}`,
              of: { share: pods('pod_memory_utilization_over_pod_limit', 'Maximum') },
            },
          },
        ],
        lines: [{ label: 'limit', value: pod.memoryBytes }],
      },
    },
    burners: { none: prometheusOnly },
    'hpa-replicas': {
      chart: {
        series: [
          { label: 'current', metric: ofService(facts)('service_number_of_running_pods', 'Maximum') },
          { label: 'desired', metric: pods('replicas_desired', 'Maximum') },
        ],
        lines: [
          { label: 'at least', value: replicas.least },
          { label: 'at most', value: replicas.most },
        ],
      },
    },
    'hpa-target': {
      chart: { series: [{ label: 'used', math: { expression: 'cpu / kept', of: used(facts) } }] },
    },
    rollout: {
      chart: {
        series: [
          { label: 'wanted', metric: pods('replicas_desired', 'Maximum') },
          { label: 'available', metric: pods('status_replicas_available', 'Minimum') },
          { label: 'unavailable', metric: pods('status_replicas_unavailable', 'Maximum') },
        ],
      },
    },
    restarts: {
      chart: {
        series: [{ label: 'restarts', metric: pods('pod_number_of_container_restarts', 'Sum', 60 * minute) }],
      },
    },
    draining: { none: prometheusOnly },
  };
}

/** Routes that the latency leaves out, for whoever reads the chart. */
export const leftOut = [...unserved, ...clientTimed];

/** Where a panel is coloured, as lines across a chart. */
const thresholdLines = ({ thresholds = [] }: Panel): Line[] =>
  thresholds.map(({ value, severity }) => ({ label: severity, value }));

/** Rows of a Grafana dashboard with what CloudWatch has of them; a row that has nothing is left out. @throws when a panel has no counterpart */
export function overviewRows(rows: readonly Row[], facts: Facts): WidgetRow[] {
  const known = counterparts(facts);
  return rows
    .map(({ title, panels }) => ({
      title,
      widgets: panels.flatMap((panel): Widget[] => {
        const found = known[panel.id];
        if (found === undefined)
          throw new Error(
            `The panel ${panel.id} has no counterpart in CloudWatch: say what it is made of, or why there is none, in observability/cloudwatch/overview.ts.`,
          );
        if ('none' in found) return [];
        const { id, question, kind, unit } = panel;
        const own = { id, title: panel.title, question };
        if ('table' in found) return [{ ...own, logGroup: facts.logGroup, ...found.table }];
        if ('number' in found !== (kind === 'number'))
          throw new Error(`The panel ${id} is of ${kind}, its counterpart in CloudWatch is not.`);
        if ('number' in found) return [{ ...own, unit, kind: 'number', ...found.number }];
        const lines = found.chart.unit === undefined ? thresholdLines(panel) : [];
        return [{ ...own, unit, kind: 'lines', ...(lines.length > 0 ? { lines } : {}), ...found.chart }];
      }),
    }))
    .filter(({ widgets }) => widgets.length > 0);
}
