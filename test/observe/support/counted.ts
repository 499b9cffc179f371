// What the clients counted themselves in the range that Prometheus is asked about.
import type { Seen } from './traffic.ts';

interface Range {
  seen: readonly Seen[];
  /** In seconds since 1970. */
  end: number;
  seconds: number;
}
type Which = (each: Seen) => boolean;

export interface Counted {
  /** The answers of the range. @param which @default all */
  seen(which?: Which): Seen[];
  perSecond(which?: Which): number;
  /** How many a second of each kind. */
  groupBy(kind: (each: Seen) => string, which?: Which): Map<string, number>;
}

/** @param range is asked each time, as it is known only when the traffic has ended */
export function countedIn(range: () => Range): Counted {
  const seen = (which: Which = () => true) => {
    const { seen: all, end, seconds } = range();
    return all.filter((each) => each.at > end - seconds && each.at <= end && which(each));
  };
  return {
    seen,
    perSecond: (which) => seen(which).length / range().seconds,
    groupBy(kind, which) {
      const counts = new Map<string, number>();
      for (const each of seen(which)) counts.set(kind(each), (counts.get(kind(each)) ?? 0) + 1 / range().seconds);
      return counts;
    },
  };
}
