// What dashboards and alerts share, worked out once.
//
// Each objective becomes two rates, of requests and of bad ones, over 5 minutes. Longer windows are averages of these two series, which
// costs nothing and outlives the pods that were counted: 3 days of raw histograms of every pod would be read anew each time.
import { ofService } from '../selectors.ts';
import type { RecordingRule, RuleScope, Times } from './model.ts';
import { burnWindows, objectives, periodDays } from './objectives.ts';
import { duration, plain } from './span.ts';

/** Shortest window of an objective, and the range of the rates that are recorded. */
const rateSeconds = 300;
/** At least four scrapes. */
const stateSeconds = 120;
const day = 86_400;

export const recorded = {
  /** Requests per second that count for an objective, by `objective`. */
  requests: 'service:slo_requests:rate5m',
  /** Bad ones of them. */
  bad: 'service:slo_bad_requests:rate5m',
  /** Share of bad requests over a window, by `objective`; absent when there were none at all. The name has the real window. */
  badShare: (windowSeconds: number) => `service:slo_bad:ratio_rate${duration(windowSeconds)}`,
  /** CPU on average over the pods, as a share of what is kept for one. */
  cpu: 'service:cpu_of_request:ratio_rate2m',
  /** Share of the calls that failed, by `dependency`; absent when nothing was called. */
  dependencyErrors: 'service:dependency_errors:ratio_rate2m',
} as const;

export function objectiveRules(scope: RuleScope, times: Times): RecordingRule[] {
  const rates = objectives.flatMap((objective) =>
    (['requests', 'bad'] as const).map((which) => ({
      record: recorded[which],
      expr: objective[which](scope, times.span(rateSeconds)),
      labels: { objective: objective.id },
    })),
  );
  const windows = [...new Set([rateSeconds, ...burnWindows.flatMap((each) => [each.longSeconds, each.shortSeconds])])];
  return [...rates, ...windows.sort((a, b) => a - b).map((seconds) => shareRule(scope, seconds, times))];
}

/** What is left of the month; a group of its own, as it need not be known every half minute. */
export const monthRules = (scope: RuleScope, times: Times): RecordingRule[] => [
  shareRule(scope, periodDays * day, times),
];

function shareRule(scope: RuleScope, seconds: number, { span }: Times): RecordingRule {
  const over = (name: string) =>
    seconds === rateSeconds
      ? `${name}${ofService(scope)}`
      : `avg_over_time(${name}${ofService(scope)}[${span(seconds)}])`;
  return { record: recorded.badShare(seconds), expr: `${over(recorded.bad)} / (${over(recorded.requests)} > 0)` };
}

export function stateRules(scope: RuleScope, { span }: Times): RecordingRule[] {
  const calls = (...more: string[]) =>
    `sum by (namespace, service, dependency) (rate(dependency_request_duration_seconds_count${ofService(scope, ...more)}[${span(stateSeconds)}]))`;
  // A counter of errors begins with the first of them; until then their rate is 0.
  const errors = `(${calls('outcome="error"')} or 0 * ${calls()})`;
  const rules = [{ record: recorded.dependencyErrors, expr: `${errors} / (${calls()} > 0)` }];
  if (!scope.cluster) return rules;
  const used = `avg by (namespace, service) (rate(process_cpu_seconds_total${ofService(scope)}[${span(stateSeconds)}]))`;
  return [...rules, { record: recorded.cpu, expr: `${used} / ${plain(scope.cluster.cpuRequestCores)}` }];
}
