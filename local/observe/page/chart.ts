// The lines of one panel, drawn by uPlot.
import type { Panel, Unit } from '../../../observability/model.ts';
import type { Series } from './shapes.ts';
import { format } from './units.ts';
import uPlot from './uplot.js';

const height = 180;
/** Told apart by people who see colours otherwise (after Okabe and Ito), as pairs for a light and a dark page. */
const colours = [
  ['#0060a8', '#56b4e9'],
  ['#b34700', '#ff9e4a'],
  ['#00734f', '#3fcf9f'],
  ['#a3357a', '#e69ac8'],
  ['#6b5a00', '#f0e442'],
  ['#444c57', '#c3cad4'],
] as const;
const dashes = [[], [6, 4], [2, 3]];

const dark = matchMedia('(prefers-color-scheme: dark)');
const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
/** A colour that CSS has as a pair for light and dark. */
function resolved(name: string): string {
  const pair = /light-dark\(\s*(.+?)\s*,\s*(.+?)\s*\)/.exec(colour(name));
  return (dark.matches ? pair?.[2] : pair?.[1]) ?? colour(name);
}

/** Steps of an axis of bytes: whole KiB, MiB and GiB. */
const binarySteps = Array.from({ length: 44 }, (_, power) => 2 ** power);

const newest = (values: Series['values']) => values.findLast((value) => value !== null);

export interface Chart {
  /** Draws these; the chart is made anew when the names changed. */
  draw(times: readonly number[], series: readonly Series[]): void;
  /** Takes the width of its place. */
  resize(): void;
  /** Removes what is drawn. */
  clear(): void;
}

export function createChart(
  place: HTMLElement,
  panel: { title: string; unit: Unit; thresholds?: Panel['thresholds'] },
): Chart {
  let plot: uPlot | undefined;
  let shown = '';
  const clear = () => {
    plot?.destroy();
    plot = undefined;
    shown = '';
  };
  return {
    clear,
    resize: () => plot?.setSize({ width: place.clientWidth, height }),
    draw(times, series) {
      const data = [[...times], ...series.map(({ values }) => [...values])] as uPlot.AlignedData;
      const key = JSON.stringify([series.map(({ name }) => name), dark.matches]);
      if (plot && key === shown) plot.setData(data);
      else {
        clear();
        plot = new uPlot(options(place.clientWidth, panel, series), data, place);
        shown = key;
      }
      const text = series.map(({ name, values }) => `${name} ${format(newest(values), panel.unit)}`).join(', ');
      const canvas = place.querySelector('canvas');
      canvas?.setAttribute('role', 'img');
      canvas?.setAttribute('aria-label', `${panel.title}, now: ${text}`);
    },
  };
}

function options(
  width: number,
  { unit, thresholds = [] }: { unit: Unit; thresholds?: Panel['thresholds'] },
  series: readonly Series[],
): uPlot.Options {
  const quiet = resolved('--quiet');
  const grid = { stroke: resolved('--edge'), width: 1 };
  return {
    width,
    height,
    cursor: { sync: { key: 'all' }, drag: { x: false, y: false } },
    scales: { y: { range: (_, low, high) => [Math.min(0, low ?? 0), high > 0 ? high * 1.1 : 1] } },
    axes: [
      { stroke: quiet, grid, ticks: grid, space: 70, size: 30, values: (_, splits) => splits.map(clock) },
      {
        stroke: quiet,
        grid,
        ticks: grid,
        size: widthOf,
        ...(unit.startsWith('bytes') ? { incrs: binarySteps } : {}),
        values: (_, splits) => splits.map((value) => format(value, unit)),
      },
    ],
    series: [
      { label: 'Time', value: (_, at) => (at === null ? 'newest' : new Date(at * 1000).toLocaleTimeString()) },
      ...series.map(({ name }, index): uPlot.Series => {
        const pair = colours[index % colours.length] ?? colours[0];
        return {
          label: name,
          stroke: pair[dark.matches ? 1 : 0],
          width: 2,
          dash: dashes[Math.floor(index / colours.length) % dashes.length] ?? [],
          // Without the cursor on the chart: the newest value.
          value: (self, value, at, position) =>
            format(position === null ? newest((self.data[at] ?? []) as Series['values']) : value, unit),
        };
      }),
    ],
    hooks: { draw: [(self) => drawThresholds(self, thresholds)] },
  };
}

/** Up to 6 hours are drawn: the date would be the same throughout. */
const clock = (seconds: number) =>
  new Date(seconds * 1000).toLocaleTimeString([], { hour: 'numeric', minute: '2-digit' });

/** What the longest label of an axis takes at 12 px, with its tick and gap, in px. */
const widthOf = (_: uPlot, labels: readonly string[] | null) =>
  Math.max(0, ...(labels ?? []).map(({ length }) => length)) * 7 + 20;

/** Across the chart, where the values come near them. */
function drawThresholds({ ctx, bbox, scales, valToPos }: uPlot, thresholds: NonNullable<Panel['thresholds']>): void {
  for (const { value, severity } of thresholds) {
    const { min, max } = scales.y ?? {};
    if (typeof min !== 'number' || typeof max !== 'number' || value < min || value > max) continue;
    const y = valToPos(value, 'y', true);
    ctx.save();
    ctx.strokeStyle = resolved(`--${severity}`);
    ctx.setLineDash([4, 4]);
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.restore();
  }
}
