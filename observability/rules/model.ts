// Rules of Prometheus: what they are made for, what they look like in a file, and alerts before they are one.
import type { Severity } from '../../config/aws-names.ts';
import type { Source } from '../model.ts';
import type { Place } from '../selectors.ts';

/** Whose series the rules watch, and what is there to be watched. */
export interface RuleScope extends Place {
  /** What runs under Kubernetes is known by kube-state-metrics; undefined on one machine. */
  cluster?: {
    /** CPU that is kept for a pod, in cores. */
    cpuRequestCores: number;
    /** Wanted CPU in percent of the request; undefined when nothing scales. */
    cpuTargetPercent: number | undefined;
  };
  /** Whether there is a read replica of the database. */
  reader: boolean;
}

/** The times of the rules: real ones, or all of them so many times shorter for a demonstration. */
export interface Times {
  /** A time of so many real seconds, scaled and written as PromQL does. */
  span(seconds: number): string;
  /** Between two evaluations of the rules, in seconds, scaled. */
  intervalSeconds: number;
}

export interface RecordingRule {
  record: string;
  expr: string;
  labels?: Record<string, string>;
}

export interface AlertingRule {
  alert: string;
  expr: string;
  for?: string;
  labels: Record<string, string>;
  annotations: { summary: string; description: string; runbook: string };
}

/** As a rules file and a PrometheusRule have it. */
export interface RuleGroup {
  name: string;
  interval: string;
  rules: (RecordingRule | AlertingRule)[];
}

export interface Alert {
  name: string;
  /** `page` wakes somebody: users notice, or are about to. `ticket` waits for the morning. */
  severity: Severity;
  /** Title of its section in docs/operations.md. */
  runbook: string;
  /** One line, the same each time. */
  summary: string;
  /** With the values of the case, as Prometheus' templates. */
  description: string;
  sources: readonly Source[];
  /** How long the condition must hold. */
  forSeconds: number;
  /** Whether it is made at all; always, when missing. */
  applies?(scope: RuleScope): boolean;
  expression(scope: RuleScope, times: Times): string;
}
