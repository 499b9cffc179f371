// The replicas of `make run` as Prometheus is told of them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ScrapeTarget } from '../prometheus.ts';
import { type RunningReplica, replicasFile } from '../service.ts';
import { holder } from '../state.ts';

/** Stands for the namespace that replicas on a person's machine do not have. */
export const localNamespace = 'local';

/** What is to be scraped now; undefined when `make run` does not run. */
export function runningTargets(stateDir: string, service: string): ScrapeTarget[] | undefined {
  if (holder(stateDir) === undefined) return undefined;
  return readReplicas(stateDir).map(({ name, metricsPort }) => ({
    address: `127.0.0.1:${metricsPort}`,
    labels: { namespace: localNamespace, service, pod: name },
  }));
}

/** None until the first has started. */
function readReplicas(stateDir: string): RunningReplica[] {
  try {
    return JSON.parse(readFileSync(join(stateDir, replicasFile), 'utf8')) as RunningReplica[];
  } catch {
    return [];
  }
}
