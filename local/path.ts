// Looking for programs on the PATH, and the folder that is shared by all checkouts.
import { accessSync, constants, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Full path of a program on the PATH, or undefined. */
export function onPath(name: string): string | undefined {
  for (const dir of (process.env.PATH ?? '').split(delimiter)) {
    if (dir === '') continue;
    const file = join(dir, name);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // Not here: the next folder may have it.
    }
  }
  return undefined;
}

/** Folder for what is fetched or compiled once for all checkouts: SLIPWAY_CACHE, else ~/.cache/slipway. */
export function cacheFolder(): string {
  return process.env.SLIPWAY_CACHE || join(homedir(), '.cache', 'slipway');
}
