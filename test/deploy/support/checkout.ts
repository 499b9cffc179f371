// A copy of the checkout that a test may change, and commands run in it or in the checkout itself.
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export const root = join(__dirname, '..', '..', '..');

export interface Checkout {
  readonly dir: string;
  /** Replaces a text that must be there, in one save. */
  edit(path: string, from: string | RegExp, to: string): void;
  remove(): void;
}

/** All files of the checkout that are not ignored, with the packages of the original. */
export function copyCheckout(): Checkout {
  const dir = mkdtempSync(join(tmpdir(), 'slipway-checkout-'));
  const list = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: root });
  for (const path of list.toString().split('\0')) {
    if (path === '' || !existsSync(join(root, path))) continue;
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    cpSync(join(root, path), join(dir, path));
  }
  for (const path of ['node_modules', 'service/node_modules', 'local/node_modules', 'k8s/node_modules']) {
    if (existsSync(join(root, path))) symlinkSync(join(root, path), join(dir, path));
  }
  return {
    dir,
    edit(path, from, to) {
      const file = join(dir, path);
      const text = readFileSync(file, 'utf8');
      if (!(typeof from === 'string' ? text.includes(from) : from.test(text)))
        throw new Error(`${path} has no ${from}`);
      writeFileSync(file, text.replace(from, to));
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

export interface Running {
  readonly ended: Promise<Ended>;
  /** What it wrote so far, to both outputs. */
  said(): string;
  /** What a terminal does: SIGINT to it and its children. */
  interrupt(): void;
}

/** Starts a program in a group of its own; environment variables that are undefined are left out. */
export function start(
  program: string,
  args: readonly string[],
  { cwd = root, env = {} }: { cwd?: string; env?: Readonly<Record<string, string | undefined>> } = {},
): Running {
  const child = spawn(program, [...args], {
    cwd,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  let both = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    both += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
    both += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out, err }));
  });
  return {
    ended,
    said: () => both,
    interrupt() {
      if (child.pid === undefined || child.exitCode !== null) return;
      try {
        process.kill(-child.pid, 'SIGINT');
      } catch (error) {
        // It ended in between.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    },
  };
}
