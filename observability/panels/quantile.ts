// Percentiles of a histogram.
import type { Scope } from '../model.ts';

/**
 * @param by labels that tell the series apart, such as `['route']`; none for all in one
 * @param selector matchers of the histogram's buckets, in braces
 */
export function quantile(
  share: number,
  by: readonly string[],
  histogram: string,
  selector: string,
  { range }: Scope,
): string {
  const buckets = `sum by (${[...by, 'le'].join(', ')}) (rate(${histogram}_bucket${selector}[${range}]))`;
  // Where nothing was measured the answer is NaN, which compares with nothing: such a series is left out.
  return `histogram_quantile(${share}, ${buckets}) >= 0`;
}
