// Draws a topology: who comes in on the left, what runs in the middle, where it goes on the right.
import type { Topology, Way } from './topology.ts';

interface Box {
  id: string;
  title: string;
  lines: string[];
}
interface Placed extends Box {
  x: number;
  y: number;
  height: number;
}

const width = { box: 292, gap: 88 };
const lineHeight = 17;
const margin = 24;
const top = 64;
const colours = {
  ink: '#1f2933',
  soft: '#52606d',
  line: '#7b8794',
  paper: '#ffffff',
  inside: '#f0f4f8',
  frame: '#9fb3c8',
};

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const text = (x: number, y: number, content: string, more = '') =>
  `<text x="${x}" y="${y}"${more}>${escaped(content)}</text>`;
const heightOf = ({ lines }: Box) => 30 + lines.length * lineHeight + (lines.length > 0 ? 4 : 0);
const xOf = (column: number) => margin + column * (width.box + width.gap);

/** Boxes of a column one below the other, in the middle of the height. */
function column(index: number, boxes: readonly Box[], height: number): Placed[] {
  const heights = boxes.map(heightOf);
  const total = heights.reduce((sum, each) => sum + each, 0);
  const space = (height - total) / (boxes.length + 1);
  let y = top + space;
  return boxes.map((box, i) => {
    const placed = { ...box, x: xOf(index), y: Math.round(y), height: heights[i] as number };
    y += placed.height + space;
    return placed;
  });
}

function drawBox({ title, lines, x, y, height }: Placed): string {
  return [
    `<rect x="${x}" y="${y}" width="${width.box}" height="${height}" rx="6" fill="${colours.paper}" stroke="${colours.line}"/>`,
    text(x + 12, y + 20, title, ' font-weight="600"'),
    ...lines.map((line, i) => text(x + 12, y + 40 + i * lineHeight, line, ` font-size="12" fill="${colours.soft}"`)),
  ].join('\n');
}

/** Where an arrow meets a box: spread over its side, in the order of what is at the other end. */
function drawWays(ways: readonly Way[], placed: ReadonlyMap<string, Placed>): string[] {
  const at = (id: string) => placed.get(id) as Placed;
  const middle = (id: string) => at(id).y + at(id).height / 2;
  const slot = (way: Way, side: 'from' | 'to') => {
    const other = side === 'from' ? 'to' : 'from';
    const same = ways.filter((each) => each[side] === way[side]).sort((a, b) => middle(a[other]) - middle(b[other]));
    const { y, height } = at(way[side]);
    return y + (height * (same.indexOf(way) + 1)) / (same.length + 1);
  };
  return ways.map((way) => {
    const [x1, y1] = [at(way.from).x + width.box, slot(way, 'from')];
    const [x2, y2] = [at(way.to).x, slot(way, 'to')];
    const bend = (x1 + x2) / 2;
    const curve = `M${x1} ${y1.toFixed(1)} C${bend} ${y1.toFixed(1)} ${bend} ${y2.toFixed(1)} ${x2 - 3} ${y2.toFixed(1)}`;
    return [
      `<path d="${curve}" fill="none" stroke="${colours.line}" stroke-width="1.5" marker-end="url(#arrow)"/>`,
      text(x2 - 12, y2 - 5, way.ports, ` font-size="11" text-anchor="end" fill="${colours.soft}"`),
    ].join('\n');
  });
}

/** @returns a picture of the topology as SVG, the same text for the same topology */
export function draw({ namespace, workloads, outsides, doors, ways }: Topology, title: string): string {
  const isSource = (id: string) => ways.some(({ from }) => from === id);
  const inside = new Set(workloads.map(({ id }) => id));
  const isStore = (id: string) => inside.has(id) && !isSource(id);
  /** Ports that all ways to a box share are said in the box. */
  const shared = (id: string) => {
    const ports = new Set(ways.filter(({ to }) => to === id).map((way) => way.ports));
    return ports.size === 1 ? [...ports].join() : undefined;
  };
  const withPorts = (box: Box): Box => ({ ...box, title: `${box.title} :${shared(box.id)}` });
  const sources = outsides.filter(({ id }) => isSource(id));
  const stores = workloads.filter(({ id }) => isStore(id)).map(withPorts);
  const targets = [...stores, ...outsides.filter(({ id }) => !isSource(id)).map(withPorts)];
  const actors = workloads.filter(({ id }) => !isStore(id));

  // A way from outside leads through the object that stands for it.
  const through = ways.flatMap((way): Way[] => {
    const door = inside.has(way.from) ? undefined : doors.find(({ port }) => port === way.ports);
    return door === undefined
      ? [{ ...way, ports: shared(way.to) === undefined ? way.ports : '' }]
      : [
          { from: way.from, to: door.id, ports: '' },
          { from: door.id, to: way.to, ports: way.ports },
        ];
  });
  const columns = [sources, doors, actors, targets];
  const gap = 26;
  const height = Math.max(...columns.map((boxes) => boxes.reduce((sum, box) => sum + heightOf(box) + gap, gap)));
  const all = columns.flatMap((boxes, index) => column(index, boxes, height));
  const total = { x: xOf(4) - width.gap + margin, y: top + height + margin };
  const placed = new Map(all.map((box) => [box.id, box]));
  const lowest = Math.max(
    top,
    ...stores.map(({ id }) => (placed.get(id)?.y ?? 0) + heightOf(placed.get(id) as Box) + 12),
  );
  const bounds = { left: xOf(1) - 30, step: xOf(2) + width.box + 30, bottom: top + height + 12 };
  const frame =
    stores.length === 0
      ? `M${bounds.left} ${top - 12}H${bounds.step}V${bounds.bottom}H${bounds.left}z`
      : `M${bounds.left} ${top - 12}H${total.x - 8}V${lowest}H${bounds.step}V${bounds.bottom}H${bounds.left}z`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total.x} ${total.y}" width="${total.x}" height="${total.y}" font-family="system-ui, sans-serif" font-size="14" fill="${colours.ink}">
<title>${escaped(title)}</title>
<defs><marker id="arrow" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="${colours.line}"/></marker></defs>
<rect width="${total.x}" height="${total.y}" fill="${colours.paper}"/>
${text(margin, 34, title, ' font-size="17" font-weight="600"')}
<path d="${frame}" fill="${colours.inside}" stroke="${colours.frame}" stroke-dasharray="5 4"/>
${text(bounds.left + 12, top + 8, `namespace ${namespace}`, ` font-size="12" fill="${colours.soft}"`)}
${drawWays(through, placed).join('\n')}
${all.map(drawBox).join('\n')}
</svg>
`;
}
