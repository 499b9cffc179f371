// Starting child processes that are stopped for certain and whose end is noticed.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { stopProcess } from './processes.ts';

export interface ChildOptions {
  /** What messages call it. */
  name: string;
  command: string;
  args?: readonly string[];
  /** The whole environment of the child; default: ours. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** User and group to run as; only root may set them. */
  user?: { uid: number; gid: number };
  /** Receives each line of stdout and stderr. */
  log?: (line: string) => void;
  /** Instead of `log`: a file that output is appended to, which also works on after our own death. */
  logFile?: string;
  /** Open file descriptors that the child gets as 3, 4, … */
  inherit?: readonly number[];
  /** What asks it to stop; default SIGTERM. */
  stopSignal?: NodeJS.Signals;
  /** How long it may take to stop before SIGKILL, in ms; default 10000. */
  stopMs?: number;
}

/** A running child process. */
export interface Child {
  readonly pid: number;
  /** Resolves when the process has ended, with what ended it: `exit code 1` or `SIGKILL`. Never rejects. */
  readonly exited: Promise<string>;
  /** The last lines that it wrote; empty with `logFile`. */
  lastLines(): string;
  /** Stops it and resolves when it is gone; at most `graceMs` (default `stopMs`) pass before SIGKILL. */
  stop(graceMs?: number): Promise<void>;
}

const keptLines = 20;

/**
 * Starts a process in a session of its own, so that Ctrl-C in a terminal reaches only us and we stop things in order.
 *
 * @throws when the program cannot be started
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const { name, command, args = [], env = process.env, cwd, user, log, logFile, inherit = [] } = options;
  const { stopSignal = 'SIGTERM', stopMs = 10_000 } = options;
  const output = logFile === undefined ? 'pipe' : openSync(logFile, 'a', 0o600);
  const child = spawn(command, args, {
    env,
    ...(cwd === undefined ? {} : { cwd }),
    ...user,
    detached: true,
    stdio: ['ignore', output, output, ...inherit],
  });
  if (typeof output === 'number') closeSync(output);
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (lines.length > keptLines) lines.shift();
      log?.(line);
    });
  }
  const exited = new Promise<string>((resolve) => {
    child.once('close', (code, signalName) => resolve(signalName ?? `exit code ${code}`));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(`${name} cannot be started: ${error.message}`)));
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${name} has no process id`);
  return {
    pid,
    exited,
    lastLines: () => lines.join('\n'),
    stop: async (graceMs = stopMs) => {
      await stopProcess(pid, stopSignal, graceMs);
      await exited;
    },
  };
}

/**
 * Waits until a child is ready, by asking `ready` every 20 ms.
 *
 * @throws when the child ends first or `timeoutMs` pass (then it is stopped), with its last lines
 */
export async function untilReady(
  child: Child,
  name: string,
  timeoutMs: number,
  ready: () => Promise<boolean> | boolean,
): Promise<void> {
  let ended: string | undefined;
  void child.exited.then((how) => {
    ended = how;
  });
  const deadline = Date.now() + timeoutMs;
  while (!(await ready())) {
    if (ended !== undefined) throw new Error(`${name} ended at once (${ended}):\n${child.lastLines()}`);
    if (Date.now() > deadline) {
      await child.stop(0);
      throw new Error(`${name} was not ready within ${timeoutMs / 1000} s:\n${child.lastLines()}`);
    }
    await sleep(20);
  }
}
