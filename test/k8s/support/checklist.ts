// The checklists of kube-score, kube-linter, Polaris, Trivy and the NSA's guide, merged into one table of named checks.
import { podChecks } from './checklist-pods.ts';
import { isObject, type Manifest } from './manifests.ts';
import { type Check, type Fault, matches, ofKind, perObject, perWorkload, specOf, workloads } from './workloads.ts';

/** Why an object need not keep to a check. */
export interface Waiver {
  check: string;
  object: string;
  reason: string;
}

type Spec = Record<string, unknown>;
const nameOfTarget = (manifest: Manifest) => specOf<{ scaleTargetRef: { name: string } }>(manifest).scaleTargetRef.name;
const selectorOf = (manifest: Manifest) =>
  specOf<{ selector: { matchLabels: Record<string, string> } }>(manifest).selector.matchLabels;

const availability: Check[] = [
  perObject('leaves replicas to the HPA', ['Deployment'], ({ metadata, spec }, all) => {
    const scaled = ofKind(all, 'HorizontalPodAutoscaler').some((each) => nameOfTarget(each) === metadata.name);
    return [scaled && (spec as Spec).replicas !== undefined && 'sets replicas, which every apply would set back'];
  }),
  perObject('rests at two replicas or more', ['HorizontalPodAutoscaler'], (each) => {
    const { minReplicas } = specOf<{ minReplicas?: number }>(each);
    return [(minReplicas ?? 1) < 2 && `minReplicas is ${minReplicas}`];
  }),
  perObject('has a disruption budget', ['Deployment'], (each, all) => {
    const { labels } = workloads([each])[0] ?? { labels: {} };
    return [
      !ofKind(all, 'PodDisruptionBudget').some((budget) => matches(selectorOf(budget), labels)) &&
        'no budget selects it',
    ];
  }),
  perObject('lets a node be drained', ['PodDisruptionBudget'], (each, all) => {
    const { minAvailable, maxUnavailable } = specOf<{ minAvailable?: unknown; maxUnavailable?: unknown }>(each);
    const atRest = Math.min(
      ...ofKind(all, 'HorizontalPodAutoscaler').map((hpa) => specOf<{ minReplicas: number }>(hpa).minReplicas),
    );
    return [
      (minAvailable === '100%' || maxUnavailable === 0 || maxUnavailable === '0%') && 'allows no disruption',
      typeof minAvailable === 'number' &&
        minAvailable >= atRest &&
        `minAvailable ${minAvailable} is not below the ${atRest} replicas at rest`,
    ];
  }),
  perObject('evicts pods that are not ready', ['PodDisruptionBudget'], (each) => [
    specOf<{ unhealthyPodEvictionPolicy?: string }>(each).unhealthyPodEvictionPolicy !== 'AlwaysAllow' &&
      'a pod that is not ready would keep a node from being drained',
  ]),
  perObject('spreads over zones and hosts', ['Deployment'], (each) => {
    const keys = workloads([each]).flatMap(({ spec }) =>
      (spec.topologySpreadConstraints ?? []).map(({ topologyKey }) => topologyKey),
    );
    return ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map(
      (key) => !keys.includes(key) && `is not spread over ${key}`,
    );
  }),
  perObject('takes no pod away before its successor is ready', ['Deployment'], (each) => {
    const { strategy } = specOf<{ strategy?: { rollingUpdate?: { maxUnavailable?: unknown } } }>(each);
    const { maxUnavailable } = strategy?.rollingUpdate ?? {};
    return [maxUnavailable !== 0 && `maxUnavailable is ${maxUnavailable}`];
  }),
  // The checklists ask for ttlSecondsAfterFinished. Here it is a fault: a Job is named by its content so that it runs once,
  // and one that removed itself would run again with the next deployment.
  perObject('ends, and stays where it was applied', ['Job'], (each) => {
    const spec = specOf<Spec>(each);
    return [
      ...['activeDeadlineSeconds', 'backoffLimit'].map((field) => spec[field] === undefined && `has no ${field}`),
      spec.ttlSecondsAfterFinished !== undefined && 'removes itself, and would run again',
    ];
  }),
];

type Rule = { from?: unknown[]; to?: unknown[]; ports?: unknown[] };
type Policy = { podSelector: { matchLabels?: Record<string, string> }; policyTypes?: string[] } & {
  ingress?: Rule[];
  egress?: Rule[];
};

const network: Check[] = [
  perWorkload('has all flows of its pods under policy', ({ labels, namespace }, _, manifests) =>
    ['Ingress', 'Egress'].map((direction) => {
      const under = ofKind(manifests, 'NetworkPolicy').some((each) => {
        const { podSelector, policyTypes = [] } = specOf<Policy>(each);
        const selects = matches(podSelector.matchLabels ?? {}, labels);
        return each.metadata.namespace === namespace && policyTypes.includes(direction) && selects;
      });
      return !under && `no policy selects its ${direction}`;
    }),
  ),
  perObject('refuses what no policy allows', ['Namespace'], ({ metadata: { name } }, all) => {
    const denied = ofKind(all, 'NetworkPolicy').some((each) => {
      const { podSelector, policyTypes = [], ingress, egress } = specOf<Policy>(each);
      const nothing = ingress === undefined && egress === undefined && policyTypes.length === 2;
      return each.metadata.namespace === name && Object.keys(podSelector).length === 0 && nothing;
    });
    return [!denied && 'has no default-deny'];
  }),
  perObject('opens no policy to everybody', ['NetworkPolicy'], (each) => {
    const { ingress = [], egress = [] } = specOf<Policy>(each);
    return [...ingress, ...egress].map(
      ({ from, to, ports = [] }) =>
        ((from ?? to ?? []).length === 0 || ports.length === 0) && 'a rule has no peers or no ports, which means all',
    );
  }),
  perObject('speaks TLS at the edge', ['Ingress'], (each) => {
    const { tls = [] } = specOf<{ tls?: unknown[] }>(each);
    return [tls.length === 0 && 'serves plain HTTP'];
  }),
];

const recommended = ['name', 'component', 'part-of', 'managed-by'].map((name) => `app.kubernetes.io/${name}`);
const lacking = (labels: Record<string, string> = {}) => recommended.filter((name) => labels[name] === undefined);

const meta: Check[] = [
  perObject('says its namespace', [], ({ kind, metadata }) => [
    kind !== 'Namespace' && (metadata.namespace ?? '') === '' && 'has no namespace',
    metadata.namespace === 'default' && 'is in the namespace default',
  ]),
  perObject('admits only restricted pods', ['Namespace'], ({ metadata: { labels = {} } }) =>
    ['enforce', 'warn', 'audit'].map(
      (mode) => labels[`pod-security.kubernetes.io/${mode}`] !== 'restricted' && `does not ${mode} restricted`,
    ),
  ),
  perObject('has the recommended labels', [], ({ metadata: { labels } }) => [
    lacking(labels).length > 0 && `lacks ${lacking(labels).join(', ')}`,
  ]),
  perWorkload('has the recommended labels on its pods', ({ labels }) => [
    lacking(labels).length > 0 && `its pods lack ${lacking(labels).join(', ')}`,
  ]),
  perObject('selects by nothing that changes', [], ({ kind, spec }) =>
    kind === 'ExternalSecret' || kind === 'SecretStore'
      ? []
      : selectors(spec).map(
          (selector) =>
            Object.keys(selector).some((key) => /version|chart|revision|hash/.test(key)) &&
            `selects by ${Object.keys(selector).join(', ')}`,
        ),
  ),
];

/** All label selectors in a tree: `matchLabels`, and the `selector` of a Service. */
function selectors(tree: unknown): Record<string, unknown>[] {
  if (Array.isArray(tree)) return tree.flatMap(selectors);
  if (!isObject(tree)) return [];
  return Object.entries(tree).flatMap(([key, value]) =>
    isObject(value) && (key === 'matchLabels' || key === 'selector') ? [value, ...selectors(value)] : selectors(value),
  );
}

/** Quota, limit range and priority class are on those lists too: the service runs alone in its namespace and needs none. */
export const checklist: readonly Check[] = [...podChecks, ...availability, ...network, ...meta];

/** A fault and the check that found it. */
export type Finding = Fault & { check: string };

/** @returns what the checklist finds and no waiver excuses, and the waivers that excuse nothing */
export function judge(
  environments: readonly (readonly Manifest[])[],
  waivers: readonly Waiver[],
): { findings: Finding[]; unneeded: Waiver[] } {
  const all = environments.flatMap((manifests) =>
    checklist.flatMap(({ name, faults }) => faults(manifests).map((fault) => ({ check: name, ...fault }))),
  );
  const excuses = (waiver: Waiver) => (finding: Finding) =>
    waiver.check === finding.check && waiver.object === finding.object;
  return {
    findings: all.filter((finding) => !waivers.some((waiver) => excuses(waiver)(finding))),
    unneeded: waivers.filter((waiver) => !all.some(excuses(waiver))),
  };
}
