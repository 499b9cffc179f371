// The numbers of a run, from what was answered and sampled.
import type { Answer } from './load.ts';
import type { Sample } from './sample.ts';

/** What was asked for, and of whom. */
export interface Setup {
  context: string;
  namespace: string;
  /** Of k8s/constructs/scaling-profiles.ts; `own` for an HPA that is none of them. */
  profile: string;
  /** For how long the HPA wants the same before it adds or removes pods; undefined without one. */
  upWindowSeconds: number | undefined;
  downWindowSeconds: number | undefined;
  minReplicas: number;
  maxReplicas: number;
  /** CPU request of a pod, in thousandths of a core. */
  requestMillis: number;
  /** Wanted CPU in percent of it. */
  targetPercent: number;
  /** Fewest pods that carry the load within the target. */
  enoughPods: number;
  loadMillis: number;
  durationSeconds: number;
  burnMs: number;
}

/** Moments of the run, in ms since the epoch. */
export interface Moments {
  begin: number;
  loadBegin: number;
  loadEnd: number;
  end: number;
}

/** The answers of so many seconds. */
export interface Slice {
  /** Begin, in seconds since the begin of the run. */
  atSeconds: number;
  answers: number;
  /** CPU burnt on average, in thousandths of a core. */
  burntMillis: number;
  p50Ms: number | null;
  p95Ms: number | null;
  p99Ms: number | null;
}

export interface Numbers {
  /** From the begin of the load to the first sample with enough ready pods; null when there never were. */
  secondsToEnoughPods: number | null;
  /** From the begin of the load to the first sample with another number of wanted replicas. */
  secondsToFirstDecision: number | null;
  mostReplicas: number;
  /** From the end of the load to the first sample with the replicas of rest, wanted and ready; null when it did not come. */
  secondsBackToMin: number | null;
  requests: number;
  /** Status → answers; `none` for those without. */
  statuses: Record<string, number>;
  /** 5xx other than `burnersBusy`. */
  serverErrors: number;
  /** 503 burners_busy: the test asked for more than it may. */
  burnersBusy: number;
  noAnswer: number;
  /** Burnt per second of load, in thousandths of a core. */
  burntMillis: number;
  p50Ms: number | null;
  p95Ms: number | null;
  p99Ms: number | null;
}

/** What a test of scaling must show and a run did not; empty when all is well. A fixed number of pods has nothing to show. */
export function faultsOf({ numbers, setup }: Report): string[] {
  const { secondsToEnoughPods, secondsBackToMin, serverErrors, burnersBusy, noAnswer } = numbers;
  const scales = setup.minReplicas !== setup.maxReplicas;
  return [
    scales && secondsToEnoughPods === null && `there were never ${setup.enoughPods} ready pods`,
    scales && secondsBackToMin === null && `it did not come back to ${setup.minReplicas}`,
    serverErrors > 0 && `${serverErrors} answers of 5xx`,
    burnersBusy > 0 && `${burnersBusy} answers of burners_busy: --load asked for more than the pods may burn`,
    noAnswer > 0 && `${noAnswer} requests without an answer`,
  ].filter((fault) => fault !== false);
}

export type ReportSample = Omit<Sample, 'at'> & { atSeconds: number };

export interface Report {
  startedAt: string;
  setup: Setup;
  /** In seconds since the begin of the run. */
  load: { beginSeconds: number; endSeconds: number };
  numbers: Numbers;
  slices: Slice[];
  samples: ReportSample[];
}

const sliceSeconds = 5;
const round = (value: number, digits = 1) => Number(value.toFixed(digits));

export function makeReport(
  setup: Setup,
  moments: Moments,
  answers: readonly Answer[],
  samples: readonly Sample[],
): Report {
  const { begin, loadBegin, loadEnd, end } = moments;
  const secondsAt = (at: number) => round((at - begin) / 1000);
  return {
    startedAt: new Date(begin).toISOString(),
    setup,
    load: { beginSeconds: secondsAt(loadBegin), endSeconds: secondsAt(loadEnd) },
    numbers: {
      ...timesOf(setup, moments, samples),
      ...countsOf(answers),
      burntMillis: Math.round(burnt(answers) / ((loadEnd - loadBegin) / 1000)),
      ...percentiles(answers),
    },
    slices: slicesOf(answers, begin, end),
    samples: samples.map(({ at, ...sample }) => ({ atSeconds: secondsAt(at), ...sample })),
  };
}

function timesOf({ enoughPods, minReplicas }: Setup, { loadBegin, loadEnd }: Moments, samples: readonly Sample[]) {
  const under = samples.filter(({ at }) => at >= loadBegin && at <= loadEnd);
  const seconds = (sample: Sample | undefined, from: number) => (sample ? round((sample.at - from) / 1000) : null);
  return {
    secondsToEnoughPods: seconds(
      under.find(({ ready }) => ready >= enoughPods),
      loadBegin,
    ),
    secondsToFirstDecision: seconds(
      under.find(({ wanted }) => wanted !== under[0]?.wanted),
      loadBegin,
    ),
    mostReplicas: Math.max(...samples.map(({ wanted }) => wanted)),
    secondsBackToMin: seconds(
      samples.find(({ at, wanted, ready }) => at > loadEnd && wanted === minReplicas && ready === minReplicas),
      loadEnd,
    ),
  };
}

function countsOf(answers: readonly Answer[]) {
  const statuses: Record<string, number> = {};
  for (const { status = 'none' } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
  const count = (wanted: Answer['outcome']) => answers.filter(({ outcome }) => outcome === wanted).length;
  return {
    requests: answers.length,
    statuses,
    serverErrors: count('server_error'),
    burnersBusy: count('busy'),
    noAnswer: count('no_answer'),
  };
}

/** CPU in ms. */
const burnt = (answers: readonly Answer[]) => answers.reduce((sum, { burntMs }) => sum + burntMs, 0);

function percentiles(answers: readonly Answer[]) {
  const sorted = answers.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  const at = (share: number) =>
    sorted.length === 0 ? null : round(sorted[Math.ceil(sorted.length * share) - 1] as number);
  return { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) };
}

function slicesOf(answers: readonly Answer[], begin: number, end: number): Slice[] {
  return Array.from({ length: Math.ceil((end - begin) / 1000 / sliceSeconds) }, (_, index) => {
    const from = begin + index * sliceSeconds * 1000;
    const own = answers.filter(({ sentAt, tookMs }) => {
      const answeredAt = sentAt + tookMs;
      return answeredAt >= from && answeredAt < from + sliceSeconds * 1000;
    });
    return {
      atSeconds: index * sliceSeconds,
      answers: own.length,
      burntMillis: Math.round(burnt(own) / sliceSeconds),
      ...percentiles(own),
    };
  });
}
