// The figures as a table for the terminal and for docs/performance.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { type Comparison, verdict } from './comparison.ts';
import type { Ratio } from './statistics.ts';

const number = (value: number) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));
const range = ({ lowest, highest }: Ratio) =>
  lowest === highest ? number(lowest) : `${number(lowest)}–${number(highest)}`;

function bound({ bound }: Comparison): string {
  if (bound === undefined) return '';
  const sign = bound.kind === 'at least' ? '≥' : '≤';
  return `${sign} ${bound.floor}${bound.noiseMeets ? ' or noise' : ''}${bound.goal === undefined ? '' : `, goal ${bound.goal}`}`;
}

const heads = ['what', 'service', 'peer', 'ratio', 'rounds', 'peer ÷ itself', 'bound', ''] as const;

function cells(comparison: Comparison): string[] {
  const { title, unit, service, peer, ratio, peerAgainstItself } = comparison;
  return [
    `${title} (${unit})`,
    number(service),
    number(peer),
    number(ratio.value),
    range(ratio),
    `${number(peerAgainstItself.value)} (${range(peerAgainstItself)})`,
    bound(comparison),
    verdict(comparison),
  ];
}

/** A block of lines for each comparison: a terminal is too narrow for the table. */
export function forTerminal(comparisons: readonly Comparison[]): string {
  return comparisons
    .map((comparison) => {
      const [title, service, peer, value, rounds, itself, limit, result] = cells(comparison);
      return [
        title,
        `  service ${service}   ${comparison.peerName} ${peer}`,
        `  ratio ${value} (rounds ${rounds})   peer ÷ itself ${itself}   ${limit}   ${result}`,
      ].join('\n');
    })
    .join('\n');
}

export function forPage(comparisons: readonly Comparison[], machine: string): string {
  const row = (values: readonly string[]) => `| ${values.join(' | ')} |`;
  const table = [
    row(heads),
    row(heads.map((_, column) => (column === 0 ? '---' : '---:'))),
    ...comparisons.map((each) => row(cells(each))),
  ];
  const missed = comparisons
    .filter((each) => verdict(each).startsWith('missed'))
    .map((each) => `- ${each.title}: ${verdict(each)}. ${each.holdsBack}`);
  return [
    machine,
    '',
    ...table,
    '',
    ...(missed.length > 0 ? ['What holds back:', '', ...missed] : ['Nothing was missed.']),
  ].join('\n');
}

const begin = '<!-- measured: begin -->';
const end = '<!-- measured: end -->';

/** Replaces what lies between the page's markers. @throws when it has none */
export function writePage(path: string, measured: string): void {
  const page = readFileSync(path, 'utf8');
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`${path} has no lines ${begin} and ${end}`);
  writeFileSync(path, `${page.slice(0, from + begin.length)}\n\n${measured}\n\n${page.slice(to)}`);
}
