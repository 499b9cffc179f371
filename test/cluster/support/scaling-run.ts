// A Deployment of a test under a load that the test changes as it goes, with all that the cluster said meanwhile.
import { type Cluster, openCluster } from '../../../k8s/scale-test/cluster.ts';
import { type Answer, startLoad } from '../../../k8s/scale-test/load.ts';
import { type Sample, startSampler } from '../../../k8s/scale-test/sample.ts';
import { findTarget, makeKey, type Target } from '../../../k8s/scale-test/target.ts';
import { waitFor } from '../../support/wait.ts';
import type { ClusterWorld } from './world.ts';

export type Measured = Sample & Required<Pick<Sample, 'autoscaler'>>;

export interface ScalingRun {
  readonly target: Target;
  readonly samples: readonly Sample[];
  readonly answers: readonly Answer[];
  /** CPU to burn from now on, in thousandths of a core. */
  pace(millis: number): void;
  /** Resolves with the first sample from now on that the HPA has measured and that fits. */
  until(what: string, fits: (sample: Measured) => boolean, withinMs: number): Promise<Measured>;
  end(): Promise<void>;
}

const keySeconds = 3600;
export const isMeasured = (sample: Sample): sample is Measured => sample.autoscaler !== undefined;

/** Ends with `end`, which leaves nothing running. */
export async function startRun(world: ClusterWorld): Promise<ScalingRun> {
  const cluster: Cluster = await openCluster({ context: undefined, namespace: world.namespace, force: false });
  try {
    const target = await findTarget(cluster);
    const key = await makeKey(cluster, target, world.url, keySeconds);
    const sampler = startSampler(cluster, target);
    const load = startLoad(world.url, key);
    return {
      target,
      samples: sampler.samples,
      answers: load.answers,
      pace: load.pace,
      async until(what, fits, withinMs) {
        const from = sampler.samples.length;
        let found: Measured | undefined;
        const look = () => {
          found = sampler.samples.slice(from).filter(isMeasured).find(fits);
          return found !== undefined;
        };
        await waitFor(what, look, withinMs).catch((error: Error) => {
          throw new Error(`${error.message}; last sample: ${JSON.stringify(sampler.samples.at(-1))}`);
        });
        return found as Measured;
      },
      async end() {
        await load.stop();
        await sampler.stop();
        cluster.close();
      },
    };
  } catch (error) {
    cluster.close();
    throw error;
  }
}

/** What was answered otherwise than 200. */
export const failures = (answers: readonly Answer[]) => answers.filter(({ outcome }) => outcome !== 'ok');
