// `make reset`: forgets all data of `make run` and `make observe`; refuses while one of them runs.
import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { observeFolder, stateFolder } from './options.ts';
import { AlreadyRunningError, ForeignFolderError, holder, openState, packagesFolder } from './state.ts';

const dir = stateFolder(process.env);
try {
  if (existsSync(dir)) {
    const observing = holder(observeFolder(dir));
    if (observing !== undefined) throw new AlreadyRunningError(observing, 'make observe');
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
