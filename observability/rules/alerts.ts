// All alerts, in the order of the table in docs/operations.md.
import { burnAlerts } from './burn.ts';
import { dependencyAlerts } from './dependencies.ts';
import type { Alert, AlertingRule, RuleScope, Times } from './model.ts';
import { presenceAlerts } from './presence.ts';
import { saturationAlerts } from './saturation.ts';
import { workloadAlerts } from './workload.ts';

export const alerts: readonly Alert[] = [
  ...presenceAlerts,
  ...dependencyAlerts,
  ...saturationAlerts,
  ...workloadAlerts,
  ...burnAlerts,
];

/** Those that are made for a scope. */
export const alertsOf = (scope: RuleScope): readonly Alert[] =>
  alerts.filter(({ applies }) => applies?.(scope) ?? true);

/** Where in the repository the section of an alert is. */
export const runbookOf = ({ runbook }: Pick<Alert, 'runbook'>): string =>
  `docs/operations.md#${runbook.toLowerCase().replaceAll(' ', '-')}`;

/** Namespace and service go into every alert, also into those whose series have other labels, or none because they are absent. */
export function alertingRule(alert: Alert, scope: RuleScope, times: Times): AlertingRule {
  const { name, severity, summary, description, forSeconds } = alert;
  const { namespace, service } = scope;
  return {
    alert: name,
    expr: alert.expression(scope, times),
    ...(forSeconds > 0 ? { for: times.span(forSeconds) } : {}),
    labels: { severity, namespace, service },
    annotations: { summary, description, runbook: runbookOf(alert) },
  };
}
