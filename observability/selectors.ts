// Matchers of PromQL that panels and rules share.
import type { Scope } from './model.ts';

/** Whose series: needs no more than names. */
export type Place = Pick<Scope, 'namespace' | 'service'>;

/** Series of the service itself. @param more further matchers */
export const ofService = ({ namespace, service }: Place, ...more: string[]): string =>
  `{${[`namespace="${namespace}"`, `service="${service}"`, ...more].join(',')}}`;

/** Series of its container, from cAdvisor, or from kube-state-metrics about a pod. */
export const ofContainer = ({ namespace, service }: Place, ...more: string[]): string =>
  `{${[`namespace="${namespace}"`, `container="${service}"`, ...more].join(',')}}`;

export const ofDeployment = ({ namespace, service }: Place, ...more: string[]): string =>
  `{${[`namespace="${namespace}"`, `deployment="${service}"`, ...more].join(',')}}`;

export const ofAutoscaler = ({ namespace, service }: Place, ...more: string[]): string =>
  `{${[`namespace="${namespace}"`, `horizontalpodautoscaler="${service}"`, ...more].join(',')}}`;

/** What the service could not do. To be asked for a method that no route has (501) is a fault of who asks: scanners do. */
export const failed = 'status=~"5..",status!="501"';

/** What people ask for. Probes come every few seconds, answer at once, and would make a slow service look quick. */
export const traffic = 'route!~"/health|/live"';
