import type { Construct } from 'constructs';
import type { Environment } from '../../config/environment.ts';
import { type RuleScope, ruleGroups, scopeOf } from '../../observability/rules/index.ts';
import { PrometheusRules } from '../constructs/prometheus-rules.ts';
import { profiles } from '../constructs/scaling-profiles.ts';
import { type ChartInput, parts } from './parts.ts';

/** What the rules of an environment watch. */
export function ruleScope(environment: Environment): RuleScope {
  const { profile } = environment.scaling;
  return scopeOf(environment, profile === 'none' ? undefined : profiles[profile].cpuPercent);
}

export function rules(scope: Construct, { environment }: ChartInput): void {
  new PrometheusRules(scope, 'rules', {
    namespace: environment.namespace,
    identity: parts(environment).web,
    groups: ruleGroups(ruleScope(environment)),
  });
}
