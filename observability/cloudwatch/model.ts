// CloudWatch's terms as data: metrics, what is made of them, widgets, alarms. infra/stacks/observability.ts renders it.
import type { Severity } from '../../config/aws-names.ts';
import type { Unit } from '../model.ts';

export type Statistic = 'Average' | 'Sum' | 'Minimum' | 'Maximum' | 'SampleCount' | `p${number}`;

/** One metric with all of its dimensions: CloudWatch finds nothing when one is missing or one is too many. */
export interface Metric {
  namespace: string;
  name: string;
  dimensions: Readonly<Record<string, string>>;
  statistic: Statistic;
  periodSeconds: number;
}

/** Metric math; the names of `of` are the identifiers in the expression, unique within a widget. */
export interface MetricMath {
  expression: string;
  of: Readonly<Record<string, Metric>>;
}

/** Metrics whose dimensions' values are made by somebody else: all that match a term. For dashboards only: no alarm takes it. */
export interface Search {
  namespace: string;
  dimensions: readonly string[];
  name: string;
  /** Dimension, and part of its value, that narrow it down. */
  where: { dimension: string; contains: string };
  statistic: Statistic;
  periodSeconds: number;
}

/** One number of all metrics that have exactly these dimensions, in this account and region. Alarms take it. */
export interface Insights {
  namespace: string;
  dimensions: readonly string[];
  name: string;
  aggregate: 'SUM' | 'MIN' | 'MAX' | 'AVG';
  periodSeconds: number;
}

export type Series = { label: string } & ({ metric: Metric } | { math: MetricMath } | { search: Search });

/** CloudWatch gives some figures in units of its own. */
export type CloudWatchUnit = Unit | 'milliseconds' | 'percent';

export interface Line {
  label: string;
  value: number;
}

export type Chart = {
  /** Unique, in kebab case. */
  id: string;
  title: string;
  question: string;
  unit: CloudWatchUnit;
  series: readonly Series[];
  /** Back from now, in hours, whatever the dashboard shows. */
  lastHours?: number;
} & (
  | {
      /** CloudWatch draws nothing across it, and has no colours for its values. */
      kind: 'number';
    }
  | {
      kind: 'lines';
      /** Drawn across the chart: limits and ceilings. */
      lines?: readonly Line[];
    }
);

/** A table made of log lines when somebody looks. */
export interface LogTable {
  id: string;
  title: string;
  question: string;
  logGroup: string;
  /** CloudWatch Logs Insights, a command a line. */
  query: readonly string[];
}

export type Widget = Chart | LogTable;

export interface WidgetRow {
  title: string;
  widgets: readonly Widget[];
}

export interface Alarm {
  /** Unique, in kebab case; the name in CloudWatch is this after that of the environment. */
  name: string;
  /** `page` wakes somebody, `ticket` waits for the morning: as the alerts of Prometheus have it. */
  severity: Severity;
  /** One line: what is wrong. */
  summary: string;
  /** Title of its section in docs/operations.md. */
  runbook: string;
  measure: { metric: Metric } | { math: MetricMath; label: string } | { insights: Insights };
  /** Which side of the threshold is bad; the threshold itself is. */
  bad: 'from' | 'below';
  threshold: number;
  /** Why this number, and not another. */
  because: string;
  /** So many of so many periods must be bad. */
  periods: { bad: number; of: number };
  /** What a period without data is taken for. */
  missing: 'breaching' | 'notBreaching' | 'ignore' | 'missing';
  missingBecause: string;
  /** Of percentiles: what it does when so few requests came that the percentile is but the slowest of them. */
  fewSamples?: { is: 'ignore' | 'evaluate'; because: string };
}

export const dayInSeconds = 86_400;

/** All metrics of a series or a measure that have dimensions of their own. */
export function metricsOf(from: Series | Alarm['measure']): Metric[] {
  if ('metric' in from) return [from.metric];
  return 'math' in from ? Object.values(from.math.of) : [];
}

/** The SEARCH expression. Source: CloudWatch user guide, "CloudWatch search expression syntax". */
export const searchText = ({ namespace, dimensions, name, where, statistic, periodSeconds }: Search): string =>
  `SEARCH('{${[namespace, ...dimensions].join(',')}} MetricName="${name}" ${where.dimension}=${where.contains}', '${statistic}', ${periodSeconds})`;

/** The query. Source: CloudWatch user guide, "Query components and syntax in CloudWatch Metrics Insights". */
export const insightsText = ({ namespace, dimensions, name, aggregate }: Insights): string =>
  `SELECT ${aggregate}(${name}) FROM SCHEMA(${[`"${namespace}"`, ...dimensions].join(', ')})`;
