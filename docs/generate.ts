// Writes the pages that are made from tables in the code, or with --check says which are out of date.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorTable } from '../service/errors.ts';
import { settingsSchema } from '../service/settings.ts';
import { logsPage } from './logs.ts';
import { operationsTables, type Table } from './operations.ts';
import { derivedNumbers, picture, scalingProfiles } from './picture/pages.ts';
import { bandNumbers, measuredNumbers } from './scaling/numbers.ts';

const cell = (text: unknown): string => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');

function table(head: readonly string[], rows: readonly (readonly unknown[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');
}

function errorsPage(): string {
  const rows = Object.entries(errorTable)
    .sort(([, a], [, b]) => a.status - b.status)
    .map(([code, { status, title, means, remedy }]) => [status, `\`${code}\``, title, means, remedy]);
  return `# Errors

Made from \`service/errors.ts\` by \`make docs\`. Every error answer is \`application/problem+json\` (RFC 9457) with a stable \`code\`,
the \`requestId\` under which the log has the rest, and for \`invalid_input\` each faulty field in \`errors\`.

${table(['status', 'code', 'title', 'meaning', 'what to do'], rows)}
`;
}

function settingsPage(): string {
  const rows = Object.entries(settingsSchema.shape).map(([name, schema]) => {
    const given = schema.safeParse(undefined);
    const standard = name === 'INSTANCE' ? 'the host name' : given.success ? (given.data ?? 'none') : 'required';
    return [`\`${name}\``, standard, schema.description];
  });
  return `# Settings of the service

Made from \`service/settings.ts\` by \`make docs\`. Each is an environment variable \`NAME\`, or a file that \`NAME_FILE\` names, or a
file \`NAME\` in the folder \`SETTINGS_DIR\`; more than one at a time is a fault. \`node dist/main.js --check-settings\` names every fault at once.

${table(['name', 'default', 'meaning'], rows)}
`;
}

/** A page as it is written by hand, with each `<!-- name: begin -->` … `<!-- name: end -->` filled anew. */
function filled(file: string, parts: Record<string, Table | string>): string {
  return Object.entries(parts).reduce(
    (page, [name, part]) => {
      const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
      const [before, rest] = page.split(begin);
      const after = rest?.split(end)[1];
      if (before === undefined || after === undefined) throw new Error(`docs/${file} has no ${begin} … ${end}`);
      const text = typeof part === 'string' ? part.trim() : table(part.head, part.rows);
      return `${before}${begin}\n\n${text}\n\n${end}${after}`;
    },
    readFileSync(join(import.meta.dirname, file), 'utf8'),
  );
}

const pages = {
  'errors.md': errorsPage(),
  'settings.md': settingsPage(),
  'logs.md': logsPage(table),
  'operations.md': filled('operations.md', operationsTables()),
  'kubernetes.md': filled('kubernetes.md', { derived: derivedNumbers(), profiles: scalingProfiles() }),
  'scaling.md': filled('scaling.md', { measured: measuredNumbers(), band: bandNumbers() }),
  'kubernetes-local.svg': picture('local'),
  'kubernetes-production.svg': picture('production'),
};
const check = process.argv.includes('--check');
for (const [name, text] of Object.entries(pages)) {
  const path = join(import.meta.dirname, name);
  if (!check) writeFileSync(path, text);
  else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    process.stderr.write(`docs/${name} is out of date: run make docs\n`);
    process.exitCode = 1;
  }
}
