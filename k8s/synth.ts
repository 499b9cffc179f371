import { App, Chart, Yaml } from 'cdk8s';
import type { Construct } from 'constructs';
import { dashboards } from './charts/dashboards.ts';
import { data } from './charts/data.ts';
import { databaseJobs } from './charts/database-jobs.ts';
import { monitoring } from './charts/monitoring.ts';
import { namespace } from './charts/namespace.ts';
import { networkPolicies } from './charts/network-policies.ts';
import type { ChartInput } from './charts/parts.ts';
import { routing } from './charts/routing.ts';
import { rules } from './charts/rules.ts';
import { secrets } from './charts/secrets.ts';
import { service } from './charts/service.ts';

type ChartFunction = (scope: Construct, input: ChartInput) => void;

/** The charts in the order in which they are applied: a file each. */
const charts: readonly { file: string; chart: ChartFunction; only?: (input: ChartInput) => boolean }[] = [
  { file: '00-namespace', chart: namespace },
  { file: '10-network-policies', chart: networkPolicies },
  { file: '20-secrets', chart: secrets },
  { file: '30-data', chart: data, only: ({ environment }) => environment.network === undefined },
  { file: '40-database-jobs', chart: databaseJobs },
  { file: '50-routing', chart: routing },
  { file: '60-service', chart: service },
  { file: '70-monitoring', chart: monitoring },
  { file: '75-rules', chart: rules },
  { file: '80-dashboards', chart: dashboards },
];

/** A manifest as the API server takes it. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  [field: string]: unknown;
}

/** The manifests of one chart. */
export function manifestsOf(input: ChartInput, chart: ChartFunction): Manifest[] {
  const scope = new Chart(new App(), 'chart', { disableResourceNameHashes: true });
  chart(scope, input);
  return scope.toJson() as Manifest[];
}

/** @returns file name → manifests, in the order in which they are applied */
export function synthesize(input: ChartInput): Map<string, Manifest[]> {
  return new Map(
    charts
      .filter(({ only }) => only?.(input) ?? true)
      .map(({ file, chart }) => [`${file}.yaml`, manifestsOf(input, chart)]),
  );
}

/** The text of a file of charts-out. */
export const render = (manifests: readonly Manifest[]): string =>
  `# Made by \`make synth\` from config/ and k8s/; a change made here is lost.\n${Yaml.stringify(...manifests)}`;
