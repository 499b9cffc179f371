// Before the first pods in AWS: the load balancer controller gives a readiness gate to new pods of a TargetGroupBinding only,
// and makes that binding itself a while after it has seen Service and Ingress.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Manifest } from '../synth.ts';
import { InterruptedError, say } from './command.ts';
import type { Cluster } from './context.ts';
import type { Where } from './live.ts';
import { RunError } from './run.ts';

const pollMs = 1000;

/** @returns whether there is any; an API server that is away for a moment has none */
async function exists(cluster: Cluster, args: readonly string[], stop: AbortSignal): Promise<boolean> {
  const names = await cluster
    .kubectl(['get', ...args, '--ignore-not-found', '--output=name'], { stop })
    .catch((error: unknown) => {
      if (!(error instanceof RunError)) throw error;
      return '';
    });
  return names.trim() !== '';
}

/**
 * Resolves when pods of the Deployment among the manifests get a readiness gate: at once when there is no Deployment, or when it
 * is on the cluster already; else when the namespace has a TargetGroupBinding. Only warns when none comes, as pods run without.
 *
 * @param longestSeconds longest wait for the binding
 */
export async function untilGated(
  manifests: readonly Manifest[],
  { namespace, service }: Where,
  cluster: Cluster,
  stop: AbortSignal,
  longestSeconds = 180,
): Promise<void> {
  const deployment = manifests.find(({ kind }) => kind === 'Deployment')?.metadata.name;
  const inNamespace = ['--namespace', namespace];
  if (deployment === undefined || (await exists(cluster, ['deployment', deployment, ...inNamespace], stop))) return;
  const bindings = ['targetgroupbindings.elbv2.k8s.aws', ...inNamespace];
  const end = Date.now() + longestSeconds * 1000;
  for (let tries = 0; !(await exists(cluster, bindings, stop)); tries++) {
    if (stop.aborted) throw new InterruptedError('interrupted');
    if (Date.now() >= end) {
      say(
        `  No TargetGroupBinding after ${longestSeconds} s: the first pods get no readiness gate, and have one only from the next rollout on. Why: kubectl --namespace ${namespace} describe ingress ${service.name}`,
      );
      return;
    }
    if (tries === 0) say(`  waiting up to ${longestSeconds} s for the TargetGroupBinding of the load balancer`);
    await sleep(pollMs);
  }
}
