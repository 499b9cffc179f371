// `make reset`: forgets all data of `make run`; refuses while it runs.
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { stateFolder } from './options.ts';
import { AlreadyRunningError, openState } from './state.ts';

const dir = stateFolder(process.env);
/** Fetched programs are no data. */
const kept = new Set(['packages']);
try {
  if (existsSync(dir)) {
    // Also stops what a crashed run left running.
    await openState(dir, console.log);
    for (const name of await readdir(dir)) if (!kept.has(name)) await rm(join(dir, name), { recursive: true });
  }
  console.log(`All local data is gone from ${dir}.`);
} catch (error) {
  if (!(error instanceof AlreadyRunningError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
