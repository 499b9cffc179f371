// `make reset`: forgets all data of `make run`; refuses while it runs.
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { stateFolder } from './options.ts';
import { AlreadyRunningError, ForeignFolderError, openState, packagesFolder } from './state.ts';

const dir = stateFolder(process.env);
try {
  if (existsSync(dir)) {
    // Also stops what a crashed run left running.
    await openState(dir, console.log);
    for (const name of await readdir(dir)) if (name !== packagesFolder) await rm(join(dir, name), { recursive: true });
  }
  console.log(`All local data is gone from ${dir}.`);
} catch (error) {
  if (!(error instanceof AlreadyRunningError || error instanceof ForeignFolderError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
