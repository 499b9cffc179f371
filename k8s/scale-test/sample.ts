// What the cluster says of itself, every other second: replicas, the HPA's measurement, CPU from the metrics API.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from './cluster.ts';
import { type Autoscaler, cpuMillis, type Deployment, type List, type PodMetrics } from './objects.ts';
import { paths, type Target } from './target.ts';

export interface Sample {
  /** ms since the epoch */
  at: number;
  /** Replicas that the Deployment is to have. */
  wanted: number;
  /** Pods that get requests. */
  ready: number;
  /** The last sync of the HPA: usage in percent of the request, the pods it counted and the replicas that followed. */
  autoscaler?: { percent: number; current: number; desired: number };
  /** CPU of all pods by the metrics API, in thousandths of a core. */
  cpuMillis: number;
  /** Pods that it is the sum of. */
  cpuPods: number;
}

export interface Sampler {
  readonly samples: readonly Sample[];
  /** Resolves with the last sample. */
  stop(): Promise<void>;
}

const everyMs = 2000;
/** One reading may be missed; a cluster that stays away is a fault. */
const missesAllowed = 5;

/** @param onSample hears of each one */
export function startSampler(
  cluster: Cluster,
  target: Target,
  onSample: (sample: Sample) => void = () => undefined,
): Sampler {
  const samples: Sample[] = [];
  let stopped = false;
  const running = (async () => {
    for (let misses = 0; !stopped; await sleep(everyMs)) {
      try {
        const sample = await takeSample(cluster, target);
        samples.push(sample);
        misses = 0;
        onSample(sample);
      } catch (error) {
        if (++misses > missesAllowed) throw error;
      }
    }
  })();
  // Heard of by whoever stops it.
  running.catch(() => undefined);
  return {
    samples,
    async stop() {
      stopped = true;
      await running;
    },
  };
}

/** @throws DeployError when the API server does not answer */
async function takeSample({ read, namespace }: Cluster, target: Target): Promise<Sample> {
  const selector = `?labelSelector=${encodeURIComponent(target.selector)}`;
  const [deployment, autoscaler, metrics] = await Promise.all([
    read<Deployment>(`${paths.deployments(namespace)}/${target.deployment}`),
    read<Autoscaler>(`${paths.autoscalers(namespace)}/${target.autoscaler?.metadata.name ?? target.deployment}`),
    read<List<PodMetrics>>(`${paths.podMetrics(namespace)}${selector}`),
  ]);
  const usages = (metrics?.items ?? []).flatMap(({ containers }) =>
    containers.filter(({ name }) => name === target.container).map(({ usage }) => cpuMillis(usage.cpu)),
  );
  const measured = measurement(autoscaler);
  return {
    at: Date.now(),
    wanted: deployment?.spec.replicas ?? 0,
    ready: deployment?.status.readyReplicas ?? 0,
    ...(measured === undefined ? {} : { autoscaler: measured }),
    cpuMillis: Math.round(usages.reduce((sum, usage) => sum + usage, 0)),
    cpuPods: usages.length,
  };
}

function measurement(autoscaler: Autoscaler | undefined): Sample['autoscaler'] {
  const { currentMetrics, currentReplicas, desiredReplicas } = autoscaler?.status ?? {};
  const cpu = currentMetrics?.find((metric) => metric?.containerResource?.name === 'cpu');
  const percent = cpu?.containerResource?.current.averageUtilization;
  if (percent === undefined || currentReplicas === undefined || desiredReplicas === undefined) return undefined;
  return { percent, current: currentReplicas, desired: desiredReplicas };
}
