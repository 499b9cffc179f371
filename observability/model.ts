// What a dashboard shows, before it is one: the Grafana dashboards, the CloudWatch dashboard and the page of `make observe` are made from it.

/** Where series come from, and so where a query can be run. */
export type Source = 'service' | 'kube-state-metrics' | 'cadvisor';

/** Base units throughout: seconds, bytes, cores; `ratio` is 0 to 1. */
export type Unit = 'count' | 'per-second' | 'per-minute' | 'seconds' | 'ratio' | 'bytes' | 'bytes-per-second' | 'cores';

/** Whose series a query asks for, as text of PromQL: literal names, or the variables of a dashboard. */
export interface Scope {
  namespace: string;
  /** Name of the service, which is that of its Deployment, HPA, Service and container. */
  service: string;
  /** Range of a rate, such as `1m`; at least four scrapes. */
  range: string;
}

export interface PromQuery {
  /** Name of each series; `{{label}}` stands for the value of a label. */
  legend: string;
  source: Source;
  expression(scope: Scope): string;
  /** Why no test runs it, for the table in the docs; without it, a test has seen it return data. */
  notRun?: string;
}

/** From this value on the panel is coloured; `below` turns the comparison round. */
export interface Threshold {
  value: number;
  severity: 'warning' | 'critical';
  below?: true;
}

export interface Panel {
  /** Unique, in kebab case: anchor in the docs, id in a test. */
  id: string;
  title: string;
  /** The question of an operator that it answers; shown as its description. */
  question: string;
  kind: 'number' | 'lines';
  unit: Unit;
  thresholds?: readonly Threshold[];
  /** What it means when there is no series, and what to do. */
  noData: string;
  /** What is no series of its own when nothing happens, as errors are: an empty answer is a good one. */
  mayBeEmpty?: true;
  queries: readonly PromQuery[];
}

export interface Row {
  title: string;
  panels: readonly Panel[];
}

export interface Dashboard {
  /** Unique, in kebab case: uid in Grafana, name of the ConfigMap. */
  id: string;
  title: string;
  rows: readonly Row[];
}
