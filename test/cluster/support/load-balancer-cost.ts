// What the stand-in load balancer adds to a request: the same load straight to a pod and through it, in turns.
import { cpuMicros } from '../../bench/cpu.ts';
import { waitFor } from '../../support/wait.ts';
import { type LoadReport, startLoad } from './load.ts';
import { type LoadBalancerOptions, startLoadBalancer } from './load-balancer.ts';
import { answeredMore } from './rollout.ts';
import type { Overhead } from './zero-loss-report.ts';

const requestsPerRound = 1000;

export interface Pace {
  connections: number;
  requestsPerSecond: number;
}

/** @param pod HOST:PORT @param rounds of both, in turns @throws when a request fails */
export async function loadBalancerCost(
  pod: string,
  pace: Pace,
  options: LoadBalancerOptions,
  rounds: number,
): Promise<Overhead> {
  const measure = async (url: string): Promise<LoadReport> => {
    const load = startLoad({ url, paths: ['/session'], headers: {}, ...pace });
    await answeredMore(load, requestsPerRound);
    const report = await load.end();
    if (report.failed > 0) throw new Error(`${report.failed} requests failed, first: ${report.failures[0]?.reason}`);
    return report;
  };
  const balancer = await startLoadBalancer(options);
  try {
    await balancer.register([pod]);
    const healthy = async () => (await balancer.view()).targets[0]?.state === 'healthy';
    await waitFor('its target', healthy, 30_000);
    const direct: LoadReport[] = [];
    const through: LoadReport[] = [];
    let cpu = 0;
    for (let round = 0; round < rounds; round++) {
      direct.push(await measure(`http://${pod}`));
      const before = cpuMicros(balancer.pid);
      through.push(await measure(balancer.url));
      cpu += cpuMicros(balancer.pid) - before;
    }
    const sum = (of: (report: LoadReport) => number) => through.reduce((so, report) => so + of(report), 0);
    return {
      directMedianMs: middle(direct.map(({ medianMs }) => medianMs)),
      directP99Ms: middle(direct.map(({ p99Ms }) => p99Ms)),
      throughMedianMs: middle(through.map(({ medianMs }) => medianMs)),
      throughP99Ms: middle(through.map(({ p99Ms }) => p99Ms)),
      cpuMicrosPerRequest: cpu / sum(({ requests }) => requests),
      requestsPerSecond: sum(({ requests }) => requests) / sum(({ seconds }) => seconds),
    };
  } finally {
    await balancer.stop();
  }
}

const middle = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;
