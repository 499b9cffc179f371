// The panels as a table for the documentation.
import type { Dashboard, Panel, PromQuery } from '../model.ts';

/** What GitHub's Markdown would take for the end of a cell. */
const cell = (text: string) => text.replaceAll('|', '\\|');

/** Each source once, and the queries that no test runs with the reason. */
function provenance({ queries }: Panel): { sources: string; run: string } {
  const sources = [...new Set(queries.map(({ source }) => source))].join(', ');
  const notRun = queries.filter((query): query is PromQuery & { notRun: string } => query.notRun !== undefined);
  if (notRun.length === 0) return { sources, run: 'run' };
  const which = notRun.map(({ legend, notRun: reason }) => `\`${legend}\` not run here: ${reason}`).join('; ');
  return { sources, run: notRun.length < queries.length ? `run; ${which}` : which };
}

/** A Markdown table for each dashboard, a section for each row: title, question, source, and whether a test ran it. */
export function panelTable(dashboards: readonly Dashboard[]): string {
  return dashboards
    .map(({ rows }) => [
      '| panel | question | source | proof |',
      '|---|---|---|---|',
      ...rows.flatMap(({ title, panels }) => [
        `| **${cell(title)}** | | | |`,
        ...panels.map((panel) => {
          const { sources, run } = provenance(panel);
          return `| ${[panel.title, panel.question, sources, run].map(cell).join(' | ')} |`;
        }),
      ]),
    ])
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}
