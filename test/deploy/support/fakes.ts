// Folders of programs for a PATH: real ones by link, and scripts that answer in place of a program and write down how they were called.
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Programs {
  readonly dir: string;
  /** The calls of the scripts so far, such as `kubectl apply --filename=-`. */
  calls(): string[];
  remove(): void;
}

/** @param scripts program → body of a shell script; it finds its arguments in "$*" */
export function programs(scripts: Readonly<Record<string, string>>): Programs {
  const dir = mkdtempSync(join(tmpdir(), 'slipway-programs-'));
  const log = join(dir, 'calls.log');
  symlinkSync(process.execPath, join(dir, 'node'));
  for (const [name, body] of Object.entries(scripts)) {
    const file = join(dir, name);
    writeFileSync(file, `#!/bin/sh\necho "${name} $*" >>'${log}'\n${body}\n`);
    chmodSync(file, 0o755);
  }
  return {
    dir,
    calls: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []),
    remove: () => rmSync(dir, { recursive: true }),
  };
}
