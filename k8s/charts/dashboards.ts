import type { Construct } from 'constructs';
import { dashboards as models } from '../../observability/panels/index.ts';
import { GrafanaDashboard } from '../constructs/grafana-dashboard.ts';
import { type ChartInput, parts } from './parts.ts';

export function dashboards(scope: Construct, { environment }: ChartInput): void {
  const identity = parts(environment).web;
  for (const dashboard of models) {
    new GrafanaDashboard(scope, dashboard.id, { namespace: environment.namespace, identity, dashboard });
  }
}
