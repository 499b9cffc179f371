// A folder that a deployment takes for its machine: programs that note how they were called and answer from a script.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './templates.ts';

export interface Machine {
  dir: string;
  /** Nothing of this process but the way to node and a shell. */
  env: NodeJS.ProcessEnv;
  /**
   * Has a program answer. The cases are those of a shell's `case "$*" in`: `'pattern') commands ;;`
   *
   * @param program on the PATH, or a path such as local/node
   */
  answer(program: string, cases?: string): void;
  /** What was called since the last look, one line a call. */
  calls(): string[];
  remove(): void;
}

export function fakeMachine(): Machine {
  const dir = mkdtempSync(join(tmpdir(), 'infra-machine-'));
  const log = join(dir, 'calls');
  const bin = join(dir, 'bin');
  mkdirSync(bin);
  // The log itself stays as it is: a program may be writing to it.
  let seen = 0;
  return {
    dir,
    env: {
      PATH: `${bin}:${join(process.execPath, '..')}:/usr/bin:/bin`,
      HOME: dir,
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    answer(program, cases = '') {
      const path = program.includes('/') ? join(dir, program) : join(bin, program);
      mkdirSync(join(path, '..'), { recursive: true });
      const body = cases === '' ? '' : `case "$*" in\n${cases}\nesac`;
      writeFileSync(path, `#!/bin/sh\necho "${program} $*" >> '${log}'\n${body}\n`);
      chmodSync(path, 0o755);
    },
    calls() {
      const all = existsSync(log) ? readFileSync(log, 'utf8') : '';
      const fresh = all.slice(seen);
      seen = all.length;
      return fresh.split('\n').filter((line) => line !== '');
    },
    remove: () => rmSync(dir, { recursive: true }),
  };
}

/** A program of this repository, from wherever it is run. */
export const own = (path: string): string => join(root, path);

const changing = /^local\/node|^node_modules|delete|modify|update|disassociate|deploy/;
/** Those of the calls that change something, without what is the same in all of them. */
export const short = (calls: readonly string[]): string[] =>
  calls
    .filter((call) => changing.test(call))
    .map((call) => call.replace(/ --(exclusively|app|no-notices|region).*/, ''));
