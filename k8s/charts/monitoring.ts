import type { Construct } from 'constructs';
import { Monitor, RequestRateRules } from '../constructs/monitors.ts';
import { type ChartInput, parts } from './parts.ts';

/** Histogram of the service whose count is the number of requests. */
const requestCounter = 'http_request_duration_seconds_count';

export function monitoring(scope: Construct, { environment }: ChartInput): void {
  const { namespace, monitoringNamespace, scaling } = environment;
  const identity = parts(environment).web;
  new Monitor(scope, 'web', { namespace, identity, port: 'metrics' });
  if (scaling.requestsPerSecond === undefined) return;
  new RequestRateRules(scope, 'rate', {
    namespace: monitoringNamespace,
    identity,
    counter: requestCounter,
    podNamespace: namespace,
  });
}
