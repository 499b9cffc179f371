// The numbers of the committed run, for docs/scaling.md.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '../../k8s/scale-test/report.ts';

/** The rows of report.json beside this file, which `make scale-test` wrote. */
export function measuredNumbers(): { head: string[]; rows: (string | number)[][] } {
  const { startedAt, setup, numbers } = JSON.parse(
    readFileSync(join(import.meta.dirname, 'report.json'), 'utf8'),
  ) as Report;
  const seconds = (value: number | null) => (value === null ? 'never' : `${value} s`);
  const rows = [
    ['date', startedAt.slice(0, 10)],
    ['profile', `${setup.profile}; windows: up ${setup.upWindowSeconds} s, down ${setup.downWindowSeconds} s`],
    [
      'pods',
      `${setup.minReplicas} to ${setup.maxReplicas}, each with a request of ${setup.requestMillis}m, wanted at ${setup.targetPercent} %`,
    ],
    ['load', `a step of ${setup.loadMillis}m for ${setup.durationSeconds} s, which ${setup.enoughPods} pods carry`],
    ['burnt in fact', `${numbers.burntMillis}m`],
    ['first decision after', seconds(numbers.secondsToFirstDecision)],
    ['enough ready pods after', seconds(numbers.secondsToEnoughPods)],
    ['most replicas', numbers.mostReplicas],
    ['back to the fewest, after the load', seconds(numbers.secondsBackToMin)],
    ['requests', numbers.requests],
    ['5xx', numbers.serverErrors],
    ['`burners_busy`', numbers.burnersBusy],
    ['without an answer', numbers.noAnswer],
    [
      `latency of a burn of ${setup.burnMs} ms`,
      `p50 ${numbers.p50Ms} ms, p95 ${numbers.p95Ms} ms, p99 ${numbers.p99Ms} ms`,
    ],
  ];
  return { head: ['', 'measured'], rows };
}

/** What `FULL=1` wrote of the profile band-50-30. */
export interface BandRun {
  date: string;
  /** The edges, in percent of the request. */
  lower: number;
  upper: number;
  above: { percent: number; pods: number; wanted: number };
  /** `plain`: what an HPA with the usual tolerance of 10 % would have wanted. */
  inside: { pods: number; syncs: number; percents: number[]; plain: number[] };
  /** Replicas on the way down, in their order. */
  below: number[];
  requests: number;
}

export function bandNumbers(): { head: string[]; rows: (string | number)[][] } {
  const { date, lower, upper, above, inside, below, requests } = JSON.parse(
    readFileSync(join(import.meta.dirname, 'band.json'), 'utf8'),
  ) as BandRun;
  const percents = (values: number[]) => values.toSorted((a, b) => a - b).join(', ');
  const rows = [
    ['date', date],
    [`above ${upper} %`, `${above.pods} pods at ${above.percent} %: ${above.wanted} wanted`],
    [
      `inside, for ${inside.syncs} looks of the HPA`,
      `${inside.pods} pods at ${percents(inside.percents)} %: none added or removed, where a plain HPA would want ${percents(inside.plain)}`,
    ],
    [`below ${lower} %`, `${below.join(', ')} pods, one at a time`],
    ['requests, all answered', requests],
  ];
  return { head: ['band-50-30', 'measured'], rows };
}
