// A real Prometheus for one test file, and what it says.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../local/path.ts';
import {
  findPrometheus,
  type PrometheusOptions,
  type PrometheusServer,
  type ScrapeTarget,
  startPrometheus,
} from '../../local/prometheus.ts';
import type { ServiceProcess } from './service.ts';
import { sharedServers } from './shared-servers.ts';
import { waitFor } from './wait.ts';

export interface Series {
  metric: Record<string, string>;
  value: number;
}

export interface OwnPrometheus extends PrometheusServer {
  /** As `ask`. */
  query(expression: string, at?: number): Promise<Series[]>;
  /** Resolves when so many targets are up. */
  scraping(targets: number): Promise<void>;
}

/** What Prometheus is told of replicas: labels as those of a cluster, so that the same expressions find them. */
export const replicaTargets = (
  replicas: readonly Pick<ServiceProcess, 'metricsUrl'>[],
  place: { namespace: string; service: string },
): ScrapeTarget[] =>
  replicas.map(({ metricsUrl }, index) => ({
    address: new URL(metricsUrl).host,
    labels: { ...place, pod: `replica-${index + 1}` },
  }));

async function api<T>(url: string, path: string): Promise<T> {
  const answer = await fetch(`${url}/api/v1/${path}`);
  const { data, error } = (await answer.json()) as { data: T; error?: string };
  if (error !== undefined) throw new Error(error);
  return data;
}

/**
 * The value of each series by its labels, now or at a time in seconds.
 *
 * @throws in Prometheus' words when it refuses the expression
 */
export async function ask(url: string, expression: string, at?: number): Promise<Series[]> {
  const time = at === undefined ? '' : `&time=${at}`;
  const { result } = await api<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
    url,
    `query?query=${encodeURIComponent(expression)}${time}`,
  );
  return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
}

/** Starts one with a folder of its own; the caller stops it. */
export async function ownPrometheus(options: Omit<PrometheusOptions, 'dir' | 'programs'>): Promise<OwnPrometheus> {
  const programs = await findPrometheus({ cacheDir: cacheFolder(), log: () => undefined });
  const dir = mkdtempSync(join(sharedServers().dir, 'prometheus-'));
  const server = await startPrometheus({ dir, programs, ...options });
  return {
    ...server,
    query: (expression, at) => ask(server.url, expression, at),
    async scraping(count) {
      await waitFor(
        `${count} targets that are up`,
        async () => {
          const { activeTargets } = await api<{ activeTargets: { health: string }[] }>(
            server.url,
            'targets?state=active',
          );
          return activeTargets.filter(({ health }) => health === 'up').length === count;
        },
        30_000,
        200,
      );
    },
  };
}
