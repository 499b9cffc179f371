import type { Construct } from 'constructs';
import { requestRateRule } from '../../observability/request-rate.ts';
import { AdapterRules, Monitor } from '../constructs/monitors.ts';
import { type ChartInput, parts } from './parts.ts';

export function monitoring(scope: Construct, { environment }: ChartInput): void {
  const { namespace, monitoringNamespace, scaling } = environment;
  const identity = parts(environment).web;
  new Monitor(scope, 'web', { namespace, identity, port: 'metrics' });
  if (scaling.requestsPerSecond === undefined) return;
  new AdapterRules(scope, 'rate', { namespace: monitoringNamespace, identity, rules: [requestRateRule(namespace)] });
}
