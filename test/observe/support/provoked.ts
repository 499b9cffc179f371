// A real Prometheus with the rules, their windows shorter, over replicas of the real service; and traffic that goes on meanwhile.
import { machineScope, ruleGroups, rulesFile } from '../../../observability/rules/index.ts';
import { type OwnPrometheus, ownPrometheus, replicaTargets } from '../../support/prometheus.ts';
import type { ServiceProcess } from '../../support/service.ts';
import { waitFor } from '../../support/wait.ts';

/** An hour becomes six minutes, and the two minutes of the shortest rate 12 s: six scrapes. */
export const timeScale = 10;
const scrapeSeconds = 2;
/** For windows and waits of a minute or so, on a machine that is busy. */
const withinMs = 200_000;
const scope = machineScope('slipway');
const place = { namespace: scope.namespace, service: scope.service };

export interface ProvokedAlert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: string;
}

export interface Watch {
  prometheus: OwnPrometheus;
  /** Resolves with the alert once it fires. */
  fires(name: string): Promise<ProvokedAlert>;
  /** Resolves when it does not fire any more. */
  ends(name: string): Promise<void>;
  firing(): Promise<string[]>;
  /** From now on Prometheus scrapes these. */
  replicas(list: readonly ServiceProcess[]): Promise<void>;
}

/** Says by how much the windows are shorter, as a report of the run should. */
export async function watch(replicas: readonly ServiceProcess[]): Promise<Watch> {
  process.stdout.write(`Windows of the rules ${timeScale} times shorter: 1h is ${3600 / timeScale} s\n`);
  const prometheus = await ownPrometheus({
    targets: replicaTargets(replicas, place),
    rules: rulesFile(ruleGroups(scope, timeScale)),
    intervalSeconds: scrapeSeconds,
  });
  await waitFor(
    'replicas that are scraped',
    async () => (await prometheus.query('up == 1')).length === replicas.length,
    120_000,
    500,
  );
  const alerts = async () => {
    const answer = await fetch(`${prometheus.url}/api/v1/alerts`);
    const { data } = (await answer.json()) as { data: { alerts: ProvokedAlert[] } };
    return data.alerts.filter(({ state }) => state === 'firing');
  };
  const find = async (name: string) => (await alerts()).find(({ labels }) => labels.alertname === name);
  return {
    prometheus,
    async fires(name) {
      await waitFor(`${name} to fire`, async () => (await find(name)) !== undefined, withinMs, 500);
      return (await find(name)) as ProvokedAlert;
    },
    ends: (name) => waitFor(`${name} to end`, async () => (await find(name)) === undefined, withinMs, 500),
    firing: async () => (await alerts()).map(({ labels }) => labels.alertname as string),
    replicas: (list) => prometheus.setTargets(replicaTargets(list, place)),
  };
}

export interface Traffic {
  stop(): Promise<void>;
}

const everyMs = 200;
/** While answers wait, no more than these wait with them. */
const mostWaiting = 60;

/** Sends each of the requests five times a second until stopped, however long they take; what they answer is of no interest. */
export function traffic(requests: () => readonly { url: string; headers?: Record<string, string> }[]): Traffic {
  const waiting = new Set<Promise<unknown>>();
  const send = async (url: string, headers: Record<string, string> = {}) => {
    const answer = await fetch(url, { headers });
    await answer.arrayBuffer();
  };
  const timer = setInterval(() => {
    for (const { url, headers } of requests()) {
      if (waiting.size >= mostWaiting) return;
      const one: Promise<unknown> = send(url, headers)
        .catch(() => undefined)
        .finally(() => waiting.delete(one));
      waiting.add(one);
    }
  }, everyMs);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(waiting);
    },
  };
}
