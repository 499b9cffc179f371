// What a comparison reports.
import type { Ratio, Rounds } from './statistics.ts';

export interface Comparison {
  title: string;
  /** What one unit of work is, and the unit that it is measured in: `CPU µs per request`. */
  unit: string;
  /** Best round of each, in that unit. */
  service: number;
  peer: number;
  peerName: string;
  ratio: Ratio;
  /** Two processes of the same peer against each other: what a difference must exceed to mean anything. */
  peerAgainstItself: Ratio;
  /** Least and wished-for ratio; `at most` where small is good. Without a bound it is shown to explain another one. */
  bound?: { kind: 'at least' | 'at most'; floor: number; goal?: number };
  /** One sentence for a goal that is missed. */
  holdsBack: string;
}

/** @returns `missed the floor`, `missed the goal`, or `met` */
export function verdict({ ratio: { value }, bound }: Comparison): string {
  if (bound === undefined) return '';
  const meets = (limit: number) => (bound.kind === 'at least' ? value >= limit : value <= limit);
  if (!meets(bound.floor)) return 'missed the floor';
  return bound.goal === undefined || meets(bound.goal) ? 'met' : 'missed the goal';
}

/** Rounds by the name of the subject, as `interleave` gives them. @throws when there is no such subject */
export function of(rounds: Record<string, Rounds>, name: string): Rounds {
  const found = rounds[name];
  if (found === undefined) throw new Error(`${name} was not measured`);
  return found;
}
