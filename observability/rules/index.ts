// The rules of Prometheus for one environment, or for the replicas of one machine.
import type { Environment } from '../../config/environment.ts';
import { alertingRule, alertsOf } from './alerts.ts';
import type { RuleGroup, RuleScope } from './model.ts';
import { monthRules, objectiveRules, stateRules } from './recording.ts';
import { timesOf } from './span.ts';

export { alerts, alertsOf, runbookOf } from './alerts.ts';
export type { Alert, AlertingRule, RecordingRule, RuleGroup, RuleScope } from './model.ts';
export { objectives } from './objectives.ts';
export { recorded } from './recording.ts';

/** Between two evaluations, in seconds: twice the time between two scrapes. */
const intervalSeconds = 30;
const monthIntervalSeconds = 60;

/**
 * What the rules of an environment watch.
 *
 * @param cpuTargetPercent at which the autoscaler aims; undefined when nothing scales
 */
export const scopeOf = (environment: Environment, cpuTargetPercent: number | undefined): RuleScope => ({
  namespace: environment.namespace,
  service: environment.service.name,
  cluster: {
    cpuRequestCores: environment.pod.cpuRequestMillis / 1000,
    cpuTargetPercent,
  },
  reader: environment.database.reader,
});

/** The replicas of `make run`, as the Prometheus of `make observe` labels them. */
export const machineScope = (service: string): RuleScope => ({ namespace: 'local', service, reader: false });

/**
 * @param timeScale all windows, waits and intervals are so many times shorter; 1 is real time
 * @param evaluationSeconds between two evaluations: what is counted depends on it
 */
export function ruleGroups(scope: RuleScope, timeScale = 1, evaluationSeconds = intervalSeconds): RuleGroup[] {
  const times = timesOf(timeScale, evaluationSeconds);
  const interval = times.span(evaluationSeconds);
  return [
    { name: `${scope.service}.objectives`, interval, rules: objectiveRules(scope, times) },
    { name: `${scope.service}.month`, interval: times.span(monthIntervalSeconds), rules: monthRules(scope, times) },
    { name: `${scope.service}.state`, interval, rules: stateRules(scope, times) },
    {
      name: `${scope.service}.alerts`,
      interval,
      rules: alertsOf(scope).map((alert) => alertingRule(alert, scope, times)),
    },
  ];
}

/** The text of a rules file; Prometheus reads JSON as the YAML that it is. */
export const rulesFile = (groups: readonly RuleGroup[]): string => JSON.stringify({ groups }, undefined, 2);
