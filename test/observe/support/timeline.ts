// A timeline of series for promtool: well, then a fault, then well again.

/** Minutes of each part; the fault lasts longer than any alert but those on objectives waits. */
export const parts = { well: 20, fault: 40, after: 40 };
/** Seconds between two samples, as the ServiceMonitor scrapes. */
export const sampleSeconds = 15;

/** A stretch of samples: a value, or what a counter grows by in a minute; undefined for no sample. */
export interface Stretch {
  minutes: number;
  value: number | undefined;
}

const samples = ({ minutes }: Stretch, stepSeconds: number) => Math.round((minutes * 60) / stepSeconds);

/** promtool's notation of a level. */
export const gaugeValues = (stretches: readonly Stretch[], stepSeconds = sampleSeconds): string =>
  stretches
    .map((stretch) => {
      const count = samples(stretch, stepSeconds);
      // a+bxn is n + 1 samples, but _xn is n.
      return stretch.value === undefined ? `_x${count}` : `${stretch.value}+0x${count - 1}`;
    })
    .join(' ');

/** promtool's notation of a counter, whose stretches are growths per minute. */
export function counterValues(stretches: readonly Stretch[], stepSeconds = sampleSeconds): string {
  let total = 0;
  return stretches
    .map((stretch) => {
      const count = samples(stretch, stepSeconds);
      if (stretch.value === undefined) return `_x${count}`;
      const step = (stretch.value * stepSeconds) / 60;
      const text = `${total}+${step}x${count - 1}`;
      total += step * count;
      return text;
    })
    .join(' ');
}

export interface Series {
  series: string;
  values: string;
}

type Value = number | undefined;
const timeline = (well: Value, fault: Value): Stretch[] => [
  { minutes: parts.well, value: well },
  { minutes: parts.fault, value: fault },
  { minutes: parts.after, value: well },
];

const named = (name: string, labels: Readonly<Record<string, string>>) =>
  `${name}{${Object.entries(labels)
    .map(([label, value]) => `${label}="${value}"`)
    .join(',')}}`;

export type Labels = Readonly<Record<string, string>>;

/** A level that is another during the fault. */
export const gauge = (name: string, labels: Labels, well: Value, fault: Value): Series => ({
  series: named(name, labels),
  values: gaugeValues(timeline(well, fault)),
});

/** A counter that grows by so much in a minute, and otherwise during the fault. */
export const counter = (name: string, labels: Labels, well: Value, fault: Value): Series => ({
  series: named(name, labels),
  values: counterValues(timeline(well, fault)),
});

/** A level that is 0 but for so many minutes at the begin of the fault. */
export const burst = (name: string, labels: Labels, value: number, minutes: number): Series => ({
  series: named(name, labels),
  values: gaugeValues([
    { minutes: parts.well, value: 0 },
    { minutes, value },
    { minutes: parts.fault - minutes + parts.after, value: 0 },
  ]),
});
