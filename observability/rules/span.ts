// Times as PromQL writes them.
import type { Times } from './model.ts';

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** A whole number of the largest unit that fits, such as 6h. */
export function duration(seconds: number): string {
  const ms = Math.round(seconds * 1000);
  const [unit, size] = units.find(([, each]) => ms >= each && ms % each === 0) ?? (['ms', 1] as const);
  return `${ms / size}${unit}`;
}

/**
 * @param scale all times are so many times shorter; 1 is real time
 * @param intervalSeconds between two evaluations, in real seconds
 */
export const timesOf = (scale: number, intervalSeconds: number): Times => ({
  span: (seconds) => duration(seconds / scale),
  intervalSeconds: intervalSeconds / scale,
});

/** A number for an expression, without the noise of binary fractions. */
export const plain = (value: number): string => String(Number(value.toPrecision(6)));
