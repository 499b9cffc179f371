// The Prometheus that the Prometheus Operator runs in the cluster: asked through the API server, so that none of its ports need be open here.
import { execFileSync } from 'node:child_process';
import { read } from './api.ts';
import { get, type KubeObject, kubectl } from './kubectl.ts';
import { waitFor } from './wait.ts';

/** The Service that the operator makes for each Prometheus. */
const service = 'prometheus-operated';
const reloader = 'config-reloader';
// A kubelet may take two minutes, and so may the reloader.
const configuredWithinMs = 300_000;
/** From one look at the configuration to the next. */
const lookMs = 3000;

export interface Target {
  labels: Record<string, string>;
  health: string;
  lastError: string;
}

export interface Series {
  metric: Record<string, string>;
  value: number;
}

export interface Prometheus {
  /** What it scrapes by the ServiceMonitors of a namespace. */
  targets(namespace: string): Promise<Target[]>;
  /** The value of each series by its labels, now. */
  query(expression: string): Promise<Series[]>;
  /** Resolves when its configuration has ServiceMonitors of the namespace, or has none. */
  configured(namespace: string, present: boolean): Promise<void>;
  /** Resolves when it has PrometheusRules of the namespace, or has none, with the names of their alerts. */
  ruled(namespace: string, present: boolean): Promise<string[]>;
}

interface RuleGroups {
  groups: { file: string; rules: { name: string; type: string }[] }[];
}

/** Asked when a file is loaded, which is when jest wants to know what is to be skipped. */
export const hasPrometheus = (namespace: string): boolean =>
  execFileSync(
    'kubectl',
    ['get', 'service', service, '--namespace', namespace, '--ignore-not-found', '--output=name'],
    {
      encoding: 'utf8',
    },
  ) !== '';

const proxied = (namespace: string) => `/api/v1/namespaces/${namespace}/services/${service}:9090/proxy`;

interface PodWithReloader extends KubeObject {
  spec: { containers: { name: string; command?: string[]; args?: string[] }[] };
}

/** @param namespace where it runs */
export function prometheusIn(namespace: string): Prometheus {
  const ask = async <T>(path: string) => {
    return (await read<{ data: T }>(`${proxied(namespace)}/api/v1/${path}`)).data;
  };
  const pool = (of: string) => `serviceMonitor/${of}/`;
  /** Polls, and has Prometheus look each time that it is not so yet. */
  const untilSo = async (what: string, isSo: () => Promise<boolean>) => {
    let lookedAt = 0;
    const asWanted = async () => {
      if (Date.now() - lookedAt < lookMs) return false;
      if (await isSo()) return true;
      await lookNow(namespace);
      lookedAt = Date.now();
      return false;
    };
    await waitFor(what, asWanted, configuredWithinMs);
  };
  return {
    async targets(of) {
      const found = await ask<{ activeTargets: (Target & { scrapePool: string })[] }>('targets?state=active');
      return found.activeTargets.filter(({ scrapePool }) => scrapePool.startsWith(pool(of)));
    },
    async query(expression) {
      const { result } = await ask<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
        `query?query=${encodeURIComponent(expression)}`,
      );
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    configured: (of, present) =>
      untilSo(`${present ? '' : 'no '}ServiceMonitor of ${of} in Prometheus`, async () => {
        const { yaml } = await ask<{ yaml: string }>('status/config');
        return yaml.includes(pool(of)) === present;
      }),
    async ruled(of, present) {
      // The operator names a file of rules by namespace, name and uid of its object.
      const found = async () => (await ask<RuleGroups>('rules')).groups.filter(({ file }) => file.includes(`/${of}-`));
      await untilSo(
        `${present ? '' : 'no '}PrometheusRule of ${of} in Prometheus`,
        async () => (await found()).length > 0 === present,
      );
      const rules = (await found()).flatMap((group) => group.rules);
      return rules.filter(({ type }) => type === 'alerting').map(({ name }) => name);
    },
  };
}

/**
 * A kubelet brings a changed Secret to a running pod within a minute or two, or when the pod changes, as by an annotation; and
 * the reloader, which may look as seldom as every three minutes, can be run by hand to write once what it sees.
 */
async function lookNow(namespace: string): Promise<void> {
  const selector = ['--namespace', namespace, '--selector=app.kubernetes.io/name=prometheus'];
  await kubectl(['annotate', '--overwrite', 'pod', ...selector, `looked-at=${Date.now()}`]);
  const { items } = await get<{ items: PodWithReloader[] }>('pods', ...selector);
  for (const { metadata, spec } of items) {
    const container = spec.containers.find(({ name }) => name === reloader);
    if (container === undefined) continue;
    const args = (container.args ?? []).filter((arg) => !/^--(listen-address|watch)/.test(arg));
    const once = [...(container.command ?? []), ...args, '--watch-interval=0', '--listen-address=:0'];
    await kubectl(['--namespace', namespace, 'exec', metadata.name, '--container', reloader, '--', ...once]);
  }
  await kubectl(['create', '--raw', `${proxied(namespace)}/-/reload`, '--filename=-'], '');
}
