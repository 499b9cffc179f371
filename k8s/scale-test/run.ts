// One run: rest, a step of load, and the way back to rest.
import { setTimeout as sleep } from 'node:timers/promises';
import { DeployError, InterruptedError, say } from '../deploy/command.ts';
import type { Cluster } from './cluster.ts';
import { burnMs, lanesFor, startLoad } from './load.ts';
import { makeReport, type Report, type Setup } from './report.ts';
import { wayBackSeconds } from './rule.ts';
import { type Sample, startSampler } from './sample.ts';
import type { Target } from './target.ts';

const pollMs = 500;
/** Drawn before the step, so that the picture begins at rest. */
const leadSeconds = 10;
/** For what an earlier load left behind. */
const longestToRestSeconds = 900;
const progressSeconds = 10;

export interface Service {
  url: string;
  key: string;
}

/**
 * @param target with the HPA as it is during the run
 * @throws DeployError when the Deployment does not come to rest before; InterruptedError
 */
export async function runTest(
  cluster: Cluster,
  target: Target,
  { url, key }: Service,
  setup: Omit<Setup, 'burnMs'>,
  stop: AbortSignal,
): Promise<Report> {
  const { minReplicas, loadMillis, durationSeconds, targetPercent } = setup;
  let said = 0;
  const sampler = startSampler(cluster, target, (sample) => {
    if (sample.at - said < progressSeconds * 1000) return;
    said = sample.at;
    say(line(sample));
  });
  const load = startLoad(url, key, lanesFor(loadMillis));
  const last = () => sampler.samples.at(-1);
  const until = async (done: () => boolean, withinSeconds: number): Promise<boolean> => {
    for (const deadline = Date.now() + withinSeconds * 1000; !done(); await sleep(pollMs)) {
      if (stop.aborted) throw new InterruptedError('interrupted');
      if (Date.now() > deadline) return false;
    }
    return true;
  };
  const atRest = () => {
    const sample = last();
    if (sample === undefined || sample.wanted !== minReplicas || sample.ready !== minReplicas) return false;
    return target.autoscaler === undefined || (sample.autoscaler?.percent ?? targetPercent) < targetPercent;
  };
  try {
    say(`Waiting for rest: ${minReplicas} ready replicas and a measurement below ${targetPercent} % …`);
    if (!(await until(atRest, longestToRestSeconds))) {
      throw new DeployError(
        `The Deployment ${target.deployment} is not at rest after ${longestToRestSeconds} s (${describe(last())})`,
      );
    }
    const begin = Date.now();
    await until(() => Date.now() - begin >= leadSeconds * 1000, leadSeconds + 1);
    const loadBegin = Date.now();
    say(`Burning ${loadMillis}m in all for ${durationSeconds} s …`);
    load.pace(loadMillis);
    await until(() => Date.now() - loadBegin >= durationSeconds * 1000, durationSeconds + 1);
    await load.stop();
    const loadEnd = Date.now();
    const patience = target.autoscaler === undefined ? 0 : wayBackSeconds(target.autoscaler.spec);
    say(`The load has ended; back to ${minReplicas} replicas within ${patience} s …`);
    await until(() => (last()?.at ?? 0) > loadEnd && atRest(), patience);
    const end = Date.now();
    const samples = sampler.samples.filter(({ at }) => at >= begin);
    return makeReport({ ...setup, burnMs }, { begin, loadBegin, loadEnd, end }, load.answers, samples);
  } finally {
    await load.stop();
    await sampler.stop();
  }
}

const describe = (sample: Sample | undefined) =>
  sample === undefined
    ? 'nothing was sampled'
    : `${sample.wanted} replicas wanted, ${sample.ready} ready, CPU ${sample.autoscaler?.percent ?? '?'} %`;

const line = (sample: Sample) =>
  `  ${new Date(sample.at).toISOString().slice(11, 19)}  ${describe(sample)}, ${sample.cpuMillis}m in all`;
