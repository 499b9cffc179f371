// The folder with all state of `make run`: who runs on it, what was started, passwords and logs.
import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { processIdentity, stopProcess } from './processes.ts';

/** A process that a later run can tell from another one with the same number. */
interface Recorded {
  name: string;
  pid: number;
  identity: string;
  stopSignal: NodeJS.Signals;
}

const maxLogBytes = 10 * 1024 ** 2;

/** The folder holds what this program did not put there. */
export class ForeignFolderError extends Error {
  override readonly name = 'ForeignFolderError';
  constructor(dir: string) {
    super(`${dir} holds files that are not ours; give SLIPWAY_STATE a new or empty folder.`);
  }
}

/** Another run of the same command holds the folder. */
export class AlreadyRunningError extends Error {
  override readonly name = 'AlreadyRunningError';
  readonly pid: number;
  constructor(pid: number, command = 'make run') {
    super(`${command} is running already (process ${pid}). Stop it with Ctrl-C there, or: kill ${pid}`);
    this.pid = pid;
  }
}

export interface State {
  readonly dir: string;
  /** Full path of a name in the folder. */
  path(...names: string[]): string;
  /** The text of a file in the folder; undefined when there is none. */
  find(name: string): string | undefined;
  /** The text of a file in the folder, made by `make` when it is missing; readable by its owner only. */
  keep(name: string, make: () => string): string;
  /** Writes a file in the folder in one step; readable by its owner only. */
  replace(name: string, text: string): void;
  /** Appends to logs/NAME.log, which starts anew when it is over 10 MiB. */
  logFile(name: string): string;
  /** Notes a started process, so that the next run can stop it after a crash of this one. */
  record(name: string, pid: number, stopSignal?: NodeJS.Signals): void;
  forget(pid: number): void;
  /** Gives the folder back. */
  release(): void;
}

function read<T>(file: string): T | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch {
    return undefined;
  }
}

function write(file: string, text: string): void {
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, text, { mode: 0o600 });
  renameSync(fresh, file);
}

/** Who holds the folder now; undefined when nobody does, or only somebody who is gone. */
export function holder(dir: string): number | undefined {
  const found = read<{ pid: number; identity: string }>(join(dir, 'lock'));
  return found && processIdentity(found.pid) === found.identity ? found.pid : undefined;
}

function lock(dir: string, command?: string): void {
  const file = join(dir, 'lock');
  const ours = `${file}.${process.pid}`;
  writeFileSync(ours, JSON.stringify({ pid: process.pid, identity: processIdentity(process.pid) }), { mode: 0o600 });
  try {
    for (;;) {
      try {
        // A link appears with its content, and only if there is none.
        linkSync(ours, file);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const pid = holder(dir);
      if (pid !== undefined) throw new AlreadyRunningError(pid, command);
      rmSync(file, { force: true });
    }
  } finally {
    unlinkSync(ours);
  }
}

/** A folder that has this file is ours; it is there from the first start on. */
const marker = 'processes.json';
/** Fetched programs are no data: they outlive a reset. */
export const packagesFolder = 'packages';

/** A folder with somebody's files is neither closed to others nor ever emptied. */
function insistOnOurs(dir: string): void {
  if (!existsSync(dir)) return;
  const names = readdirSync(dir).filter((name) => name !== packagesFolder);
  if (names.length > 0 && !names.includes(marker)) throw new ForeignFolderError(dir);
}

/**
 * Takes the folder, made when missing and closed to others, and stops what a crashed run left running in it.
 *
 * @param command who takes it, for messages; default `make run`
 * @throws AlreadyRunningError, ForeignFolderError
 */
export async function openState(dir: string, log: (line: string) => void, command?: string): Promise<State> {
  insistOnOurs(dir);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  chmodSync(dir, 0o700);
  appendFileSync(join(dir, marker), '', { mode: 0o600 });
  lock(dir, command);
  for (const name of ['logs', 'secrets']) mkdirSync(join(dir, name), { recursive: true, mode: 0o700 });
  const processesFile = join(dir, marker);
  const left = (read<Recorded[]>(processesFile) ?? []).filter(({ pid, identity }) => processIdentity(pid) === identity);
  if (left.length > 0) log(`Stopping what a crashed run left: ${left.map(({ name }) => name).join(', ')} …`);
  // Latest first: the service before the stores that it needs.
  for (const { pid, stopSignal } of left.reverse()) await stopProcess(pid, stopSignal, 3000);

  let running: Recorded[] = [];
  const find = (name: string) => {
    try {
      return readFileSync(join(dir, name), 'utf8').trimEnd();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return undefined;
    }
  };
  const save = () => write(processesFile, JSON.stringify(running, undefined, 1));
  save();
  return {
    dir,
    path: (...names) => join(dir, ...names),
    find,
    keep: (name, make) => {
      const found = find(name);
      if (found !== undefined) return found;
      const text = make();
      write(join(dir, name), `${text}\n`);
      return text;
    },
    replace: (name, text) => write(join(dir, name), `${text}\n`),
    logFile: (name) => {
      const file = join(dir, 'logs', `${name}.log`);
      if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > maxLogBytes) rmSync(file);
      appendFileSync(file, '', { mode: 0o600 });
      return file;
    },
    record: (name, pid, stopSignal = 'SIGTERM') => {
      const identity = processIdentity(pid);
      if (identity === undefined) return;
      running.push({ name, pid, identity, stopSignal });
      save();
    },
    forget: (pid) => {
      running = running.filter((one) => one.pid !== pid);
      save();
    },
    release: () => rmSync(join(dir, 'lock'), { force: true }),
  };
}

/** A random password of 144 bits, of letters, digits, dashes and underscores. */
export function randomPassword(): string {
  return randomBytes(18).toString('base64url');
}
