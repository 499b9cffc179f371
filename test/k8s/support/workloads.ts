// The pods that manifests ask for, and what of them checks look at.
import type { V1Container, V1PodSpec } from '@kubernetes/client-node';
import { idOf, type Manifest } from './manifests.ts';

/** What is wrong with which object. */
export interface Fault {
  /** Kind and name. */
  object: string;
  problem: string;
}

/** A rule that manifests of one environment keep to. */
export interface Check {
  name: string;
  faults(manifests: readonly Manifest[]): Fault[];
}

export type Labels = Readonly<Record<string, string>>;

/** The pods of a Deployment, StatefulSet or Job. */
export interface Workload {
  id: string;
  kind: string;
  namespace: string;
  labels: Labels;
  spec: V1PodSpec;
  /** Initial ones and sidecars included. */
  containers: V1Container[];
  /** Those that run as long as the pod. */
  lasting: V1Container[];
}

/** A manifest's spec, as what its kind says that it is. */
export const specOf = <Spec>({ spec }: Manifest): Spec => (spec ?? {}) as Spec;

export const ofKind = (manifests: readonly Manifest[], ...kinds: string[]) =>
  manifests.filter(({ kind }) => kinds.includes(kind));

export const namesOf = (manifests: readonly Manifest[], kind: string) =>
  ofKind(manifests, kind).map(({ metadata }) => metadata.name);

export function workloads(manifests: readonly Manifest[]): Workload[] {
  return ofKind(manifests, 'Deployment', 'StatefulSet', 'Job').map((each) => {
    const { template } = specOf<{ template: { metadata: { labels: Labels }; spec: V1PodSpec } }>(each);
    const { initContainers = [], containers } = template.spec;
    return {
      id: idOf(each),
      kind: each.kind,
      namespace: each.metadata.namespace ?? '',
      labels: template.metadata.labels,
      spec: template.spec,
      containers: [...initContainers, ...containers],
      lasting:
        each.kind === 'Job'
          ? []
          : [...initContainers.filter(({ restartPolicy }) => restartPolicy === 'Always'), ...containers],
    };
  });
}

type Problems = (string | false | undefined)[];

/** A check of each workload; it is shown all of them, and all manifests. */
export const perWorkload = (
  name: string,
  problems: (workload: Workload, all: readonly Workload[], manifests: readonly Manifest[]) => Problems,
): Check => ({
  name,
  faults(manifests) {
    const all = workloads(manifests);
    return all.flatMap((each) => faultsOf(each.id, problems(each, all, manifests)));
  },
});

/** A check of each container. */
export const perContainer = (
  name: string,
  problem: (container: V1Container, workload: Workload) => string | false | undefined,
): Check =>
  perWorkload(name, (workload) =>
    workload.containers.map((each) => {
      const found = problem(each, workload);
      return found && `container ${each.name}: ${found}`;
    }),
  );

/** A check of each object of some kinds; of no kinds: of all. */
export const perObject = (
  name: string,
  kinds: readonly string[],
  problems: (manifest: Manifest, all: readonly Manifest[]) => Problems,
): Check => ({
  name,
  faults: (manifests) =>
    manifests
      .filter(({ kind }) => kinds.length === 0 || kinds.includes(kind))
      .flatMap((each) => faultsOf(idOf(each), problems(each, manifests))),
});

const faultsOf = (object: string, problems: Problems): Fault[] =>
  problems.flatMap((problem) => (problem ? [{ object, problem }] : []));

/** Whether a selector's labels are all among these. */
export const matches = (selector: Labels, labels: Labels) =>
  Object.entries(selector).every(([key, value]) => labels[key] === value);
