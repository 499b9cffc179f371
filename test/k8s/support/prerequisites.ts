// Which manifests need something that the cluster must bring.
import type { V2MetricSpec } from '@kubernetes/client-node';
import type { Prerequisite } from '../../../config/schema.ts';
import { idOf, type Manifest } from './manifests.ts';
import { type Fault, ofKind, specOf } from './workloads.ts';

/** Who serves a kind, by its group. */
const groups: Readonly<Record<string, Prerequisite>> = {
  'monitoring.coreos.com': 'prometheus-operator',
  'external-secrets.io': 'external-secrets',
};

/** Who serves each type of metric. */
const servers: Readonly<Record<string, Prerequisite>> = {
  Resource: 'metrics-server',
  ContainerResource: 'metrics-server',
  Pods: 'prometheus-adapter',
  Object: 'prometheus-adapter',
  External: 'prometheus-adapter',
};

/** @returns each object that needs something which is not listed: an HPA with a metric that nobody serves never scales in */
export function missingPrerequisites(manifests: readonly Manifest[], listed: readonly Prerequisite[]): Fault[] {
  const kinds = manifests.flatMap((each) => {
    const needed = groups[each.apiVersion.split('/')[0] as string];
    return needed === undefined ? [] : [{ object: idOf(each), needed, problem: `its kind needs ${needed}` }];
  });
  const metrics = ofKind(manifests, 'HorizontalPodAutoscaler').flatMap((each) =>
    specOf<{ metrics: V2MetricSpec[] }>(each).metrics.map(({ type }) => {
      const needed = servers[type];
      return { object: idOf(each), needed, problem: `a metric of type ${type} needs ${needed ?? 'an unknown server'}` };
    }),
  );
  return [...kinds, ...metrics]
    .filter(({ needed }) => needed === undefined || !listed.includes(needed))
    .map(({ object, problem }) => ({ object, problem }));
}
