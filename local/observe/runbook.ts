// One section of docs/operations.md as a page: what to do about an alert, where no other viewer is at hand.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const operations = join(import.meta.dirname, '..', '..', 'docs', 'operations.md');

/** As the links of rendered Markdown name a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');

/** The heading with this anchor and what follows up to the next one of its rank or higher; undefined when there is none. */
export function sectionOf(markdown: string, anchor: string): string | undefined {
  const lines = markdown.split('\n');
  const rank = (line: string | undefined) => /^(#{1,6}) /.exec(line ?? '')?.[1]?.length ?? 7;
  let fenced = false;
  // A comment in a shell example is no heading.
  const ranks = lines.map((line) => {
    if (line.startsWith('```')) fenced = !fenced;
    return fenced ? 7 : rank(line);
  });
  const start = lines.findIndex((line, index) => ranks[index] !== 7 && anchorOf(line.replace(/^#+ /, '')) === anchor);
  if (start < 0) return undefined;
  const end = ranks.findIndex((found, index) => index > start && found <= (ranks[start] ?? 7));
  return lines
    .slice(start, end < 0 ? undefined : end)
    .join('\n')
    .trim();
}

const escaped = (text: string) => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** HTML of the section; undefined when there is none. */
export async function runbookPage(anchor: string): Promise<string | undefined> {
  const section = sectionOf(await readFile(operations, 'utf8').catch(() => ''), anchor);
  return section === undefined
    ? undefined
    : `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(anchor)}</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css"><pre class="runbook">${escaped(section)}</pre></html>`;
}
