// Waiting until what was applied runs, saying what is still missing.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Environment } from '../../config/environment.ts';
import type { Manifest } from '../synth.ts';
import { DeployError, InterruptedError, say } from './command.ts';
import type { Cluster } from './context.ts';
import { RunError } from './run.ts';
import { type LiveObject, progressOf } from './state.ts';
import { Troubles } from './troubles.ts';

const waitedKinds = ['Job', 'Deployment', 'StatefulSet'];
const lookedAt = ['jobs', 'deployments', 'statefulsets', 'pods'];
const pollMs = 500;
/** For what comes before and after the Jobs and the rollout, each of which has a limit of its own. */
const spareSeconds = 300;
/** For so long the API server may be away. */
const longestAwayMs = 60_000;

const idOf = ({ kind, metadata }: { kind: string; metadata: { name: string } }) =>
  `${kind.toLowerCase()} ${metadata.name}`;

const isJob = (id: string) => id.startsWith('job ');

/** Name of a Deployment → replicas that its HPA keeps at least. */
function leastReplicas(manifests: readonly Manifest[]): Map<string, number> {
  const scaled = manifests.filter(({ kind }) => kind === 'HorizontalPodAutoscaler');
  return new Map(
    scaled.map(({ spec }) => {
      const { scaleTargetRef, minReplicas } = spec as { scaleTargetRef: { name: string }; minReplicas: number };
      return [`deployment ${scaleTargetRef.name}`, minReplicas];
    }),
  );
}

async function liveObjects(
  cluster: Cluster,
  namespace: string,
  kinds: readonly string[],
  stop: AbortSignal,
): Promise<LiveObject[]> {
  const text = await cluster.kubectl(['get', kinds.join(), '--namespace', namespace, '--output=json'], { stop });
  const { items } = JSON.parse(text) as { items: (Omit<LiveObject, 'status'> & Partial<LiveObject>)[] };
  // An object of an operator has no status until the operator has looked at it.
  return items.map((each) => ({ ...each, status: each.status ?? {} }));
}

/** Looks again when the API server is away for a moment. */
function patiently<T>(look: () => Promise<T>): () => Promise<T | undefined> {
  let answeredAt = Date.now();
  return async () => {
    try {
      const seen = await look();
      answeredAt = Date.now();
      return seen;
    } catch (error) {
      if (!(error instanceof RunError) || Date.now() - answeredAt > longestAwayMs) throw error;
      return undefined;
    }
  };
}

/**
 * Resolves when the Jobs among the manifests are complete and the workloads have rolled out.
 *
 * @param limits `progressDeadlineSeconds`: for so long a pod may lack its image, which the kubelet would try for ever, and a
 *   rollout that had failed before, or while a Job was running, may go on as it was; `longestJobSeconds`: for so long a Job may run
 * @throws DeployError as soon as one of them has failed for good, with what its pods said last
 */
export async function untilRunning(
  manifests: readonly Manifest[],
  namespace: string,
  { progressDeadlineSeconds: progressSeconds, longestJobSeconds }: Environment['rollout'],
  cluster: Cluster,
  stop: AbortSignal,
): Promise<void> {
  const wanted = manifests.filter(({ kind }) => waitedKinds.includes(kind)).map(idOf);
  const least = leastReplicas(manifests);
  const troubles = new Troubles(say);
  const fail = (what: string): never => {
    throw new DeployError([what, ...troubles.lines()].join('\n'));
  };
  const begun = Date.now();
  const progressMs = progressSeconds * 1000;
  const longestMs = (progressSeconds + longestJobSeconds + spareSeconds) * 1000;
  // A cluster without the operator does not know the kind.
  const fetched = manifests.some(({ kind }) => kind === 'ExternalSecret')
    ? ['externalsecrets.external-secrets.io']
    : [];
  const kinds = [...lookedAt, ...fetched];
  const look = patiently(() => liveObjects(cluster, namespace, kinds, stop));
  let failedBefore: ReadonlySet<string> | undefined;
  /** When a Job was last seen to run. Until then new pods wait for what it makes, and the deadline of their rollout may pass. */
  let jobRanAt = Number.NEGATIVE_INFINITY;
  let shown = '';
  for (; ; await sleep(pollMs)) {
    if (stop.aborted) throw new InterruptedError('interrupted');
    const live = await look();
    if (live === undefined) continue;
    const now = Date.now();
    troubles.note(live, now);
    const missing = wanted.filter((id) => !live.some((each) => idOf(each) === id)).map((id) => `${id} (not there)`);
    const states = live
      .filter((each) => wanted.includes(idOf(each)))
      .map((each) => ({ id: idOf(each), progress: progressOf(each, least.get(idOf(each))) }));
    failedBefore ??= new Set(states.filter(({ progress }) => progress.state === 'failed').map(({ id }) => id));
    if (states.some(({ id, progress }) => isJob(id) && progress.state === 'waiting')) jobRanAt = now;
    for (const { id, progress } of states) {
      if (progress.state === 'done') continue;
      const isOld = failedBefore.has(id) && now - begun < progressMs;
      const waitedForJob = !isJob(id) && now - jobRanAt < progressMs;
      if (progress.state === 'failed' && !isOld && !waitedForJob) fail(`${id} failed: ${progress.why}`);
      missing.push(`${id} (${progress.why})`);
    }
    if (missing.length === 0) return;
    const line = `  waiting for ${missing.join(', ')}`;
    if (line !== shown) say(line);
    shown = line;
    const [pod] = troubles.withoutImageFor(progressMs, live, now);
    if (pod !== undefined) fail(`${pod} failed: its image cannot be had for ${progressSeconds} s`);
    if (now - begun > longestMs) fail(`Not all is running after ${longestMs / 60_000} minutes`);
  }
}
