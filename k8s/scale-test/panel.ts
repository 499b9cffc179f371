// One panel of the plot: axes with round numbers, lines and dots, as SVG text.

export interface Series {
  label: string;
  colour: string;
  /** Seconds, value; null interrupts the line. */
  points: readonly (readonly [seconds: number, value: number | null])[];
  /** @default 'line'; `step` holds a value until the next one */
  shape?: 'line' | 'step' | 'dots';
  dashed?: boolean;
}

export interface Panel {
  title: string;
  series: readonly Series[];
}

export interface Frame {
  left: number;
  top: number;
  width: number;
  height: number;
  /** Length of the time axis. */
  seconds: number;
}

export const ink = '#1f2933';
const faint = '#d9dfe5';

export const text = (x: number, y: number, content: string, attributes = '') =>
  `<text x="${at(x)}" y="${at(y)}" ${attributes}>${content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;

const at = (value: number) => Number(value.toFixed(1));

/** A round step that cuts 0 … most into at most `parts`. */
export function roundStep(most: number, parts: number): number {
  const rough = Math.max(most, 1e-9) / parts;
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5, 10].find((factor) => factor * power >= rough) as number) * power;
}

export function drawPanel({ title, series }: Panel, frame: Frame): string {
  const { left, top, width, height, seconds } = frame;
  const most = Math.max(1, ...series.flatMap(({ points }) => points.map(([, value]) => value ?? 0)));
  const step = Math.max(1, roundStep(most * 1.05, 4));
  const ceiling = Math.ceil((most * 1.05) / step) * step;
  const x = (value: number) => left + (value / seconds) * width;
  const y = (value: number) => top + height - (value / ceiling) * height;
  const rows = Array.from({ length: Math.round(ceiling / step) + 1 }, (_, index) => index * step).map(
    (value) =>
      `<path d="M${at(left)} ${at(y(value))}h${at(width)}" stroke="${faint}"/>${text(left - 8, y(value) + 4, `${value}`, 'text-anchor="end"')}`,
  );
  let key = left + width;
  const keys = series.toReversed().map(({ label, colour, shape, dashed }) => {
    key -= label.length * 6.6 + 34;
    const mark =
      shape === 'dots'
        ? `<circle cx="${at(key + 10)}" cy="${at(top - 12)}" r="3.5" fill="${colour}"/>`
        : `<path d="M${at(key)} ${at(top - 12)}h20" stroke="${colour}" stroke-width="2.5"${dashed ? ' stroke-dasharray="5 4"' : ''}/>`;
    return mark + text(key + 25, top - 8, label);
  });
  return [
    text(left, top - 8, title, 'font-weight="bold" font-size="13"'),
    ...keys,
    ...rows,
    ...series.map((each) => draw(each, x, y)),
  ].join('\n');
}

function draw(
  { points, colour, shape = 'line', dashed }: Series,
  x: (value: number) => number,
  y: (value: number) => number,
): string {
  if (shape === 'dots') {
    return points
      .filter(([, value]) => value !== null)
      .map(
        ([seconds, value]) =>
          `<circle cx="${at(x(seconds))}" cy="${at(y(value as number))}" r="2.6" fill="${colour}"/>`,
      )
      .join('');
  }
  let path = '';
  let pen = 'M';
  for (const [seconds, value] of points) {
    if (value === null) {
      pen = 'M';
      continue;
    }
    if (pen === 'L' && shape === 'step') path += `H${at(x(seconds))}`;
    path += `${pen}${at(x(seconds))} ${at(y(value))}`;
    pen = 'L';
  }
  return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"${dashed ? ' stroke-dasharray="5 4"' : ''}/>`;
}
