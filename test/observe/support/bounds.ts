// How near a number of Prometheus must come to what the client measured.
import type { Panel } from '../../../observability/model.ts';

/** Bounds of the buckets of the service's histograms, in seconds; see service/metrics.ts. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.045, 0.08, 0.12, 0.18, 0.25, 0.5, 1, 2.5, 10, 60];

/** The value below which this share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/**
 * What a histogram may say of a percentile that the client measured: not beyond the bucket that the client's value is in, as
 * the client's time includes the way there and back; and not below the bucket of that value divided by `slack`, which is how much
 * a client on a busy machine may add.
 */
export function percentileBounds(clientSeconds: number, slack: number): { from: number; to: number } {
  return {
    from: Math.max(0, ...bounds.filter((bound) => bound <= clientSeconds / slack)),
    to: Math.min(...bounds.filter((bound) => bound >= clientSeconds)),
  };
}

/** A rate is extrapolated to the ends of its range from scrapes within it: a scrape late, a cycle more or less. */
export const tolerance = 0.15;

/** Fails naming the expected value and the number that Prometheus gave. */
export function near(what: string, value: number | undefined, expected: number, share = tolerance): void {
  const low = expected * (1 - share);
  const high = expected * (1 + share);
  const is = value !== undefined && value >= low && value <= high ? 'near' : `${value}`;
  expect(`${what}: ${is}, wanted ${low} to ${high}`).toBe(`${what}: near, wanted ${low} to ${high}`);
}

/** Fails naming the limits and the number that Prometheus gave. */
export function within(what: string, value: number | undefined, from: number, to: number): void {
  const is = value !== undefined && value >= from && value <= to ? 'within' : `${value}`;
  expect(`${what}: ${is} ${from} to ${to}`).toBe(`${what}: within ${from} to ${to}`);
}

/** What a number of each unit can be on this machine. */
export const plausible: Record<Panel['unit'], [number, number]> = {
  count: [0, 1000],
  'per-second': [0, 10_000],
  'per-minute': [0, 600_000],
  seconds: [0, 60],
  ratio: [0, 1],
  bytes: [1024 ** 2, 4 * 1024 ** 3],
  'bytes-per-second': [0, 1024 ** 3],
  cores: [0, 64],
};
