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
  bound?: {
    kind: 'at least' | 'at most';
    floor: number;
    goal?: number;
    /** A difference no greater than that of the peer from itself is met, too. @default false */
    noiseMeets?: boolean;
  };
  /** One sentence for a goal that is missed. */
  holdsBack: string;
}

const distance = ({ value }: Ratio) => Math.abs(Math.log(value));

/** @returns `missed the floor`, `missed the goal`, `met`, `within the noise`, or nothing without a bound */
export function verdict({ ratio, peerAgainstItself, bound }: Comparison): string {
  if (bound === undefined) return '';
  const { value } = ratio;
  const meets = (limit: number) => (bound.kind === 'at least' ? value >= limit : value <= limit);
  if (!meets(bound.floor)) {
    const isNoise = bound.noiseMeets && distance(ratio) <= distance(peerAgainstItself);
    return isNoise ? 'within the noise' : 'missed the floor';
  }
  return bound.goal === undefined || meets(bound.goal) ? 'met' : 'missed the goal';
}

/** Rounds by the name of the subject, as `interleave` gives them. @throws when there is no such subject */
export function of(rounds: Record<string, Rounds>, name: string): Rounds {
  const found = rounds[name];
  if (found === undefined) throw new Error(`${name} was not measured`);
  return found;
}

/** Rounds of two processes of the same program, `name` and `name again`: which of two was luckier counts less then. */
export const ofBoth = (rounds: Record<string, Rounds>, name: string): Rounds => [
  ...of(rounds, name),
  ...of(rounds, `${name} again`),
];
