// Holds docs/features.md against what ran: every named test must exist and have passed in the newest results.
// Usage: node test/check-features.mjs [--ran-only]   --ran-only: leaves out suites of which there are no results
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const ranOnly = process.argv.includes('--ran-only');
const states = new Set(['proven', 'partly', 'not yet']);

const folder = join(root, '.cache', 'test-results');
const results = existsSync(folder)
  ? readdirSync(folder).flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
  : [];
const suiteOf = (file) => /^test\/(image|cluster|infra|observe)\//.exec(file)?.[1] ?? 'test';
const suitesThatRan = new Set(results.map(({ file }) => suiteOf(file)));

const faults = [];
const seen = new Set();
let tests = 0;
let passedTests = 0;
const skipped = [];
for (const line of readFileSync(join(root, 'docs', 'features.md'), 'utf8').split('\n')) {
  const row = /^\| ([A-Z]\d+) \| ([^|]+) \| ([^|]+) \| (.*) \|$/.exec(line);
  if (!row) continue;
  const [, id, , stateText, proof] = row;
  const state = stateText.trim();
  if (seen.has(id)) faults.push(`${id} is listed twice`);
  seen.add(id);
  if (!states.has(state)) faults.push(`${id} has the unknown state "${state}"`);
  const named = [...proof.matchAll(/`(test\/[^`]+?\.test\.ts)` › ([^;]+)/g)];
  if (state !== 'not yet' && named.length === 0) faults.push(`${id} is ${state} without a test`);
  for (const [, file, nameText] of named) {
    tests++;
    const name = nameText.trim();
    if (!existsSync(join(root, file))) {
      faults.push(`${id} names ${file}, which does not exist`);
      continue;
    }
    if (ranOnly && !suitesThatRan.has(suiteOf(file))) continue;
    const found = results.filter((test) => test.file === file && test.name.includes(name));
    // A file that runs in several suites may leave a test out of one of them.
    const passed = found.some(({ status }) => status === 'passed');
    if (passed) passedTests++;
    if (found.length === 0) faults.push(`${id}: no test "${name}" ran in ${file}`);
    else
      for (const { name: full, status } of found)
        if (status === 'pending') {
          if (!passed) skipped.push(`${id}: "${full}" in ${file}`);
        } else if (status !== 'passed') faults.push(`${id}: "${full}" in ${file} ${status}`);
  }
}
if (skipped.length > 0) process.stdout.write(`Skipped here, so not proven by this run:\n${skipped.join('\n')}\n`);
if (seen.size === 0) faults.push('docs/features.md has no rows');
if (faults.length > 0) process.stdout.write(`docs/features.md:\n${faults.join('\n')}\n`);
else if (!ranOnly) process.stdout.write(`${seen.size} features, ${tests} tests named, ${passedTests} of them passed\n`);
process.exitCode = faults.length === 0 ? 0 : 1;
