// Another profile for the length of the test: the HPA is changed, made or taken away, and afterwards is as it was.
import { App, Chart } from 'cdk8s';
import type { ScalingProfile } from '../../config/schema.ts';
import { Scaling } from '../constructs/scaling.ts';
import { profiles } from '../constructs/scaling-profiles.ts';
import type { Cluster } from './cluster.ts';
import type { Autoscaler, AutoscalerSpec } from './objects.ts';
import { targetPercent } from './rule.ts';
import type { Target } from './target.ts';

/** Where the HPA does not say. */
const defaultReplicas = { minReplicas: 2, maxReplicas: 6 };

/** The HPA of a profile, with the replicas of the live one; undefined for `none`. */
export function autoscalerOf(
  target: Target,
  namespace: string,
  profile: ScalingProfile,
  windowPercent: number,
): Autoscaler | undefined {
  if (profile === 'none') return undefined;
  const chart = new Chart(new App(), 'chart', { disableResourceNameHashes: true });
  const { minReplicas, maxReplicas } = { ...defaultReplicas, ...target.autoscaler?.spec };
  new Scaling(chart, 'scaling', {
    namespace,
    identity: { name: target.deployment, component: 'web', partOf: target.deployment },
    target: { deploymentName: target.deployment, containerName: target.container },
    profile,
    minReplicas,
    maxReplicas,
    windowPercent,
  });
  return chart.toJson()[0] as Autoscaler;
}

/** Which profile an HPA follows, by its target, which each has of its own. */
export function profileOf(autoscaler: Autoscaler | undefined): string {
  if (autoscaler === undefined) return 'none';
  const percent = targetPercent(autoscaler.spec);
  return Object.entries(profiles).find(([, { cpuPercent }]) => cpuPercent === percent)?.[0] ?? 'own';
}

/** Puts `wanted` in the place of the target's HPA. @returns the way back, also for the replicas */
export async function replaceAutoscaler(
  { kubectl }: Cluster,
  target: Target,
  wanted: Autoscaler | undefined,
): Promise<() => Promise<void>> {
  const { autoscaler: given, deployment, replicas } = target;
  // The whole of it: a merge would leave what one of the two does not have, as a tolerance.
  const put = async (name: string, spec: AutoscalerSpec) => {
    const patch = JSON.stringify([{ op: 'replace', path: '/spec', value: spec }]);
    await kubectl(['patch', 'hpa', name, '--type=json', `--patch=${patch}`]);
  };
  const create = (object: Autoscaler) => kubectl(['create', '--filename=-'], { input: JSON.stringify(object) });
  const remove = (name: string) => kubectl(['delete', 'hpa', name, '--ignore-not-found']);
  if (given !== undefined && wanted !== undefined) {
    const { metrics, behavior } = wanted.spec;
    await put(given.metadata.name, { ...given.spec, metrics, behavior });
    return () => put(given.metadata.name, given.spec);
  }
  if (wanted !== undefined) {
    await create(wanted);
    return async () => {
      await remove(wanted.metadata.name);
      await kubectl(['scale', `deployment/${deployment}`, `--replicas=${replicas}`]);
    };
  }
  if (given === undefined) return async () => undefined;
  await remove(given.metadata.name);
  return async () => void (await create(asNew(given)));
}

/** Without what only the API server may write. */
function asNew({ metadata, spec }: Autoscaler) {
  const { name, labels, annotations } = metadata as Autoscaler['metadata'] & Record<string, unknown>;
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, labels, annotations },
    spec,
  };
}
