// The picture of a run: replicas, load, CPU and latency over one time axis, as SVG and, from it, PNG.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Resvg } from '@resvg/resvg-js';
import { drawPanel, ink, type Panel, roundStep, text } from './panel.ts';
import type { Report, ReportSample } from './report.ts';

const width = 960;
const margin = { left: 64, right: 24, top: 64, bottom: 44 };
const panelHeight = 120;
const panelGap = 46;
/** For a screen with two pixels to a point. */
const pngScale = 2;

const blue = '#1f77b4';
const green = '#2a9d5c';
const orange = '#d9730d';
const red = '#c22f3d';
const grey = '#7b8794';

/** @returns SVG text */
export function plot(report: Report): string {
  const seconds = Math.max(1, report.samples.at(-1)?.atSeconds ?? 1);
  const panels = panelsOf(report, seconds);
  const inner = width - margin.left - margin.right;
  const bottom = margin.top + panels.length * (panelHeight + panelGap);
  const height = bottom + margin.bottom - panelGap;
  const x = (value: number) => margin.left + (value / seconds) * inner;
  const { beginSeconds, endSeconds } = report.load;
  const axisY = bottom - panelGap;
  const step = roundStep(seconds, 10);
  const ticks = Array.from({ length: Math.floor(seconds / step) + 1 }, (_, index) => index * step);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="DejaVu Sans, Verdana, sans-serif" font-size="11" fill="${ink}">`,
    `<title>${title(report)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    text(margin.left, 22, title(report), 'font-size="15" font-weight="bold"'),
    text(width - margin.right, 22, 'shaded: under load', `text-anchor="end" fill="${grey}"`),
    ...panels.map((_, index) => {
      const top = margin.top + index * (panelHeight + panelGap);
      return `<rect x="${x(beginSeconds).toFixed(1)}" y="${top}" width="${(x(endSeconds) - x(beginSeconds)).toFixed(1)}" height="${panelHeight}" fill="#f1f4f8"/>`;
    }),
    ...panels.map((panel, index) => {
      const top = margin.top + index * (panelHeight + panelGap);
      return drawPanel(panel, { left: margin.left, top, width: inner, height: panelHeight, seconds });
    }),
    ...ticks.map((tick) => text(x(tick), axisY + 18, `${tick}`, 'text-anchor="middle"')),
    text(margin.left + inner / 2, axisY + 36, 'seconds', 'text-anchor="middle"'),
    '</svg>',
    '',
  ].join('\n');
}

/** The SVG as PNG, with the same font on every machine. */
export function png(svg: string): Buffer {
  const fonts = join(dirname(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json')), 'ttf');
  const fontFiles = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'].map((file) => join(fonts, file));
  const font = { loadSystemFonts: false, fontFiles, defaultFontFamily: 'DejaVu Sans' };
  return new Resvg(svg, { font, fitTo: { mode: 'zoom', value: pngScale } }).render().asPng();
}

function title({ setup }: Report): string {
  const { profile, upWindowSeconds, downWindowSeconds, minReplicas, maxReplicas, loadMillis } = setup;
  const windows =
    downWindowSeconds === undefined ? '' : ` (windows: up ${upWindowSeconds} s, down ${downWindowSeconds} s)`;
  return `Profile ${profile}${windows}: ${minReplicas} to ${maxReplicas} replicas, a step of ${loadMillis}m`;
}

function panelsOf({ samples, slices, setup, load }: Report, seconds: number): Panel[] {
  const { requestMillis, targetPercent, loadMillis, minReplicas, maxReplicas } = setup;
  const of = (value: (sample: ReportSample) => number | null) =>
    samples.map((sample) => [sample.atSeconds, value(sample)] as const);
  const latency = (name: 'p50Ms' | 'p95Ms' | 'p99Ms') => slices.map((slice) => [slice.atSeconds, slice[name]] as const);
  const level = (value: number) => [[0, value] as const, [seconds, value] as const];
  return [
    {
      title: 'Replicas',
      series: [
        { label: 'at most', colour: grey, points: level(maxReplicas), dashed: true },
        { label: 'at least', colour: grey, points: level(minReplicas), dashed: true },
        { label: 'wanted', colour: orange, points: of(({ wanted }) => wanted), shape: 'step' },
        { label: 'ready', colour: blue, points: of(({ ready }) => ready), shape: 'step' },
      ],
    },
    {
      title: 'Load, thousandths of a core',
      series: [
        {
          label: 'asked for',
          colour: grey,
          points: [
            [0, 0],
            [load.beginSeconds, loadMillis],
            [load.endSeconds, 0],
            [seconds, 0],
          ],
          shape: 'step',
          dashed: true,
        },
        {
          label: 'burnt',
          colour: green,
          points: slices.map((slice) => [slice.atSeconds, slice.burntMillis]),
          shape: 'step',
        },
      ],
    },
    {
      title: 'CPU of a pod, % of its request',
      series: [
        { label: 'target', colour: grey, points: level(targetPercent), dashed: true },
        {
          label: 'metrics API, mean',
          colour: blue,
          points: of(({ cpuMillis, cpuPods }) => (cpuPods === 0 ? null : (cpuMillis / cpuPods / requestMillis) * 100)),
        },
        {
          label: 'as the HPA saw it',
          colour: red,
          points: of(({ autoscaler }) => autoscaler?.percent ?? null),
          shape: 'dots',
        },
      ],
    },
    {
      title: `Latency of a burn of ${setup.burnMs} ms, ms`,
      series: [
        { label: 'p50', colour: green, points: latency('p50Ms') },
        { label: 'p95', colour: orange, points: latency('p95Ms') },
        { label: 'p99', colour: red, points: latency('p99Ms') },
      ],
    },
  ];
}
