// The arithmetic of the HPA, for what to expect of it. Source: kubernetes.io, "Horizontal Pod Autoscaling", algorithm details.
import { DeployError } from '../deploy/command.ts';
import type { AutoscalerSpec, ScalingRules } from './objects.ts';

/** How often the HPA looks, unless the controller manager is told otherwise. */
export const syncSeconds = 15;
/** Where there is no HPA whose target counts. */
const assumedPercent = 60;
/** The API's own, where an HPA has none: all at once. */
const defaultPolicies: Required<ScalingRules>['policies'] = [{ type: 'Percent', value: 100, periodSeconds: 15 }];

/** Wanted CPU in percent of the request. */
export const targetPercent = (spec: AutoscalerSpec | undefined): number =>
  spec?.metrics?.find(({ containerResource }) => containerResource?.name === 'cpu')?.containerResource?.target
    .averageUtilization ?? assumedPercent;

/** Replicas that follow from usage in percent of the request, outside the tolerance: ceil(ratio × pods). */
export const wantedReplicas = (percent: number, pods: number, target: number) => Math.ceil((percent / target) * pods);

/** The fewest pods that carry a load within the target, what they use at rest left aside. */
export const enoughPods = (loadMillis: number, requestMillis: number, target: number) =>
  Math.ceil(loadMillis / ((requestMillis * target) / 100));

/** A load half-way between two numbers of pods, so that what a pod uses at rest tips nothing: twice the pods at rest and a half. */
export const defaultLoadMillis = (pods: number, requestMillis: number, target: number) =>
  Math.round(((2 * pods + 0.5) * requestMillis * target) / 100);

/** @throws DeployError when the load wants more pods than there may be, so that it could only end as a failure */
export function insistOnRoom(loadMillis: number, requestMillis: number, target: number, maxReplicas: number): void {
  const enough = enoughPods(loadMillis, requestMillis, target);
  if (enough <= maxReplicas) return;
  const most = Math.floor((maxReplicas * requestMillis * target) / 100);
  throw new DeployError(
    `A load of ${loadMillis}m wants ${enough} pods at ${target} % of ${requestMillis}m each, and maxReplicas is ${maxReplicas}: --load ${most} or less`,
  );
}

/**
 * Longest way back from the most to the fewest replicas, in seconds: the window, and as often as the policies make it
 * necessary their period; besides, the samples in which the load is still seen, and for each step a sync that just missed.
 */
export function wayBackSeconds({ minReplicas = 1, maxReplicas, behavior }: AutoscalerSpec): number {
  const { stabilizationWindowSeconds = 300, policies = defaultPolicies } = behavior?.scaleDown ?? {};
  const stepSeconds = policies.map(({ type, value, periodSeconds }) => {
    const perStep = type === 'Pods' ? value : Math.max(1, Math.floor((minReplicas * value) / 100));
    return Math.ceil((maxReplicas - minReplicas) / perStep) * (periodSeconds + syncSeconds);
  });
  return stabilizationWindowSeconds + Math.min(...stepSeconds) + 90;
}
