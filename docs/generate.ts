// Writes the pages that are made from tables in the code, or with --check says which are out of date.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorTable } from '../service/errors.ts';
import { settingsSchema } from '../service/settings.ts';

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

const pages = { 'errors.md': errorsPage(), 'settings.md': settingsPage() };
const check = process.argv.includes('--check');
for (const [name, text] of Object.entries(pages)) {
  const path = join(import.meta.dirname, name);
  if (!check) writeFileSync(path, text);
  else if (readFileSync(path, 'utf8') !== text) {
    process.stderr.write(`docs/${name} is out of date: run make docs\n`);
    process.exitCode = 1;
  }
}
