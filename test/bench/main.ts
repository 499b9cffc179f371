// `make bench`: compares the service with the least that could do the same work, and writes docs/performance.md.
// --quick: two rounds, page left alone. Names of comparisons (session, files, upload, start, traces) measure only those, page left alone.
import { join } from 'node:path';
import type { Comparison } from './comparison.ts';
import { compareCalls } from './comparisons/calls.ts';
import { compareFiles } from './comparisons/files.ts';
import { compareSessions } from './comparisons/session.ts';
import { compareStart } from './comparisons/start.ts';
import { compareTraces } from './comparisons/traces.ts';
import { compareUploads } from './comparisons/upload.ts';
import { leaveServerCore } from './cpu.ts';
import { describeMachine } from './machine.ts';
import { forPage, forTerminal, writePage } from './report.ts';
import { openStage, type Stage } from './stage.ts';

const page = join(import.meta.dirname, '..', '..', 'docs', 'performance.md');
const comparisons: Record<string, (stage: Stage) => Promise<Comparison[]>> = {
  session: compareSessions,
  files: compareFiles,
  upload: compareUploads,
  start: compareStart,
  traces: compareTraces,
  calls: compareCalls,
};

const quick = process.argv.includes('--quick');
const asked = process.argv.slice(2).filter((argument) => argument !== '--quick');
const unknown = asked.find((name) => !Object.hasOwn(comparisons, name));

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => stopping.abort(new Error('interrupted')));
}

async function run(): Promise<void> {
  leaveServerCore();
  const begin = performance.now();
  let doing = 'setting up';
  const progress = (what: string) => process.stderr.write(`${doing}: ${what}\n`);
  const stage = await openStage({ rounds: quick ? 2 : 10, interrupted: stopping.signal, progress });
  try {
    const results: Comparison[] = [];
    for (const [name, compare] of Object.entries(comparisons)) {
      if (asked.length > 0 && !asked.includes(name)) continue;
      doing = name;
      const found = await compare(stage);
      process.stdout.write(`${forTerminal(found)}\n`);
      results.push(...found);
    }
    const machine = await describeMachine(stage);
    process.stdout.write(`${machine} ${Math.round((performance.now() - begin) / 1000)} s.\n`);
    if (!quick && asked.length === 0) writePage(page, forPage(results, machine));
  } finally {
    await stage.end();
  }
}

if (unknown === undefined) {
  await run().catch((error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
} else {
  process.stderr.write(`There is no comparison ${unknown}: there are ${Object.keys(comparisons).join(', ')}.\n`);
  process.exitCode = 2;
}
