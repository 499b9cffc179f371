import { ApiObject } from 'cdk8s';
import { Construct } from 'constructs';
import { type Identity, labels } from './labels.ts';

/** A group of rules, as a file of Prometheus has it. */
export interface RuleGroup {
  name: string;
  interval: string;
  rules: readonly object[];
}

export interface PrometheusRulesProps {
  namespace: string;
  identity: Identity;
  groups: readonly RuleGroup[];
}

/** Gives rules and alerts to the Prometheus Operator. */
export class PrometheusRules extends Construct {
  constructor(scope: Construct, id: string, { namespace, identity, groups }: PrometheusRulesProps) {
    super(scope, id);
    new ApiObject(this, 'rules', {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PrometheusRule',
      metadata: { namespace, name: identity.name, labels: labels(identity) },
      spec: { groups },
    });
  }
}
