// What `kubectl apply` gets wrong when an environment gets another scaling profile: it removes nothing, and a number of replicas
// that is left out becomes 1.
import type { Manifest } from '../synth.ts';
import { say } from './command.ts';
import type { Cluster } from './context.ts';
import { liveParts, type Where } from './live.ts';

interface Live {
  kind: string;
  metadata: { name: string; annotations?: Record<string, string> };
}

/** What acts on pods by itself for as long as it is there. */
const acting = ['HorizontalPodAutoscaler', 'PodDisruptionBudget'];
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Before a Deployment is applied that leaves its replicas to an HPA for the first time: forgets that they were ever applied, so that
 * the pods stay until the HPA has counted them.
 */
export async function keepReplicas(
  manifests: readonly Manifest[],
  where: Where,
  cluster: Cluster,
  stop: AbortSignal,
): Promise<void> {
  const scaled = manifests
    .filter(({ kind, spec }) => kind === 'Deployment' && (spec as { replicas?: number }).replicas === undefined)
    .map(({ metadata }) => metadata.name);
  for (const { metadata } of await liveParts<Live>(cluster, 'deployments', where, stop)) {
    const text = metadata.annotations?.[lastApplied];
    if (text === undefined || !scaled.includes(metadata.name)) continue;
    const applied = JSON.parse(text) as { spec: { replicas?: number } };
    if (applied.spec.replicas === undefined) continue;
    delete applied.spec.replicas;
    const value = [
      {
        op: 'replace',
        path: `/metadata/annotations/${lastApplied.replace('/', '~1')}`,
        value: JSON.stringify(applied),
      },
    ];
    const deployment = ['deployment', metadata.name, '--namespace', where.namespace];
    await cluster.kubectl(['patch', ...deployment, '--type=json', `--patch=${JSON.stringify(value)}`], { stop });
  }
}

/** Before the manifests are applied: removes an HPA, which would undo a number of replicas among them, or a budget that they no longer have. */
export async function removeUnwanted(
  manifests: readonly Manifest[],
  where: Where,
  cluster: Cluster,
  stop: AbortSignal,
): Promise<void> {
  const live = await liveParts<Live>(cluster, acting.join(','), where, stop);
  const isWanted = ({ kind, metadata }: Live) =>
    manifests.some((each) => each.kind === kind && each.metadata.name === metadata.name);
  for (const { kind, metadata } of live.filter((each) => !isWanted(each))) {
    say(`Removing the ${kind} ${metadata.name}, which is no longer wanted`);
    await cluster.kubectl(['delete', kind, metadata.name, '--namespace', where.namespace, '--ignore-not-found'], {
      stop,
    });
  }
}
