// Numbers as people read them: base units in, scaled with their unit out.
import type { Panel, Unit } from '../../../observability/model.ts';

const digits = (value: number) => {
  const size = Math.abs(value);
  return size === 0 || size >= 100 ? 0 : size >= 10 ? 1 : 2;
};

const plain = (value: number) =>
  value.toLocaleString('en', { maximumFractionDigits: digits(value), useGrouping: 'min2' });

/** The largest of the steps that the value reaches, else the smallest. */
function scaled(value: number, steps: readonly (readonly [number, string])[]): string {
  const [size, name] = steps.find(([from]) => Math.abs(value) >= from) ?? steps.at(-1) ?? [1, ''];
  return `${plain(value / size)} ${name}`.trimEnd();
}

const seconds = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
  [1e-3, 'ms'],
  [1e-6, 'µs'],
] as const;
const bytes = [
  [2 ** 40, 'TiB'],
  [2 ** 30, 'GiB'],
  [2 ** 20, 'MiB'],
  [2 ** 10, 'KiB'],
  [1, 'B'],
] as const;
const counts = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1, ''],
] as const;

const formats: Record<Unit, (value: number) => string> = {
  count: (value) => scaled(value, counts),
  'per-second': (value) => `${scaled(value, counts)}/s`,
  'per-minute': (value) => `${scaled(value, counts)}/min`,
  seconds: (value) => (value === 0 ? '0 s' : scaled(value, seconds)),
  ratio: (value) => `${plain(value * 100)} %`,
  bytes: (value) => scaled(value, bytes),
  'bytes-per-second': (value) => `${scaled(value, bytes)}/s`,
  cores: (value) => `${plain(value)} ${value === 1 ? 'core' : 'cores'}`,
};

/** Such as `12.3 ms`; a dash where there is no value. */
export function format(value: number | null | undefined, unit: Unit): string {
  return value === null || value === undefined || !Number.isFinite(value) ? '–' : formats[unit](value);
}

export type Level = 'ok' | 'warning' | 'critical';
const ranks: readonly Level[] = ['ok', 'warning', 'critical'];

/** The worst threshold that any of the values has crossed. */
export function level(values: readonly (number | null | undefined)[], thresholds: Panel['thresholds'] = []): Level {
  const crossed = thresholds.filter(({ value, below }) =>
    values.some((one) => typeof one === 'number' && (below ? one < value : one >= value)),
  );
  return ranks.findLast((rank) => crossed.some(({ severity }) => severity === rank)) ?? 'ok';
}
