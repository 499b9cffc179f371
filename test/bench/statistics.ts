// From the slices of a comparison to its figures.

/** What one server used per unit of work in each round, in the order of the rounds. */
export type Rounds = readonly number[];

export interface Ratio {
  /** Best round of one ÷ best round of the other: what disturbs a round can only make it dearer. */
  value: number;
  /** The same quotient within each round, lowest and highest. */
  lowest: number;
  highest: number;
}

export function median(values: Rounds): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** How many times as much `above` used as `below`. */
export function ratio(above: Rounds, below: Rounds): Ratio {
  const perRound = above.map((value, round) => value / (below[round] as number));
  return {
    value: Math.min(...above) / Math.min(...below),
    lowest: Math.min(...perRound),
    highest: Math.max(...perRound),
  };
}
