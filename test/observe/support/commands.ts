// `make run` and `make observe` as processes, in a state folder of their own; all ended by `endCommands`.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from '../../../local/path.ts';
import { freePort } from '../../../local/ports.ts';
import { waitFor } from '../../support/wait.ts';

const root = join(__dirname, '..', '..', '..');

export interface Command {
  process: ChildProcess;
  /** All that it has printed. */
  output(): string;
  exited: Promise<number | null>;
  /** Ctrl-C. @returns the exit code */
  interrupt(): Promise<number | null>;
}

const running: Command[] = [];
const folders: string[] = [];

export function stateFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'slipway-observe-'));
  folders.push(dir);
  return dir;
}

/** Starts a program of local/ as make does. */
export function startCommand(script: string, args: readonly string[], environment: NodeJS.ProcessEnv): Command {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(root, 'local', script), ...args],
    {
      cwd: root,
      env: { ...process.env, SLIPWAY_CACHE: cacheFolder(), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const command = {
    process: child,
    output: () => output,
    exited,
    interrupt: () => {
      child.kill('SIGINT');
      return exited;
    },
  };
  running.push(command);
  return command;
}

/** Waits for words that a command prints. @throws with all its output when they do not come, or it ends before */
export async function untilPrinted(command: Command, words: string | RegExp, withinMs = 120_000): Promise<void> {
  const printed = () => (typeof words === 'string' ? command.output().includes(words) : words.test(command.output()));
  const ended = () => command.process.exitCode !== null;
  await waitFor(`${words}`, () => printed() || ended(), withinMs, 50).catch((error: Error) => {
    throw new Error(`${error.message} in:\n${command.output()}`);
  });
  if (!printed()) throw new Error(`it ended:\n${command.output()}`);
}

export interface Run extends Command {
  url: string;
  adminKey: string;
  stateDir: string;
}

export async function startRun(stateDir: string): Promise<Run> {
  const port = await freePort();
  const command = startCommand('run.ts', [], { SLIPWAY_STATE: stateDir, PORT: `${port}` });
  await untilPrinted(command, 'Ctrl-C stops everything', 240_000);
  const adminKey = readFileSync(join(stateDir, 'admin.key'), 'utf8').trim();
  return { ...command, url: `http://127.0.0.1:${port}`, adminKey, stateDir };
}

export interface Observe extends Command {
  /** Of the page. */
  url: string;
  /** Of the Prometheus that it asks. */
  prometheus: string;
}

export async function startObserve(
  stateDir: string,
  args: readonly string[] = [],
  environment: NodeJS.ProcessEnv = {},
): Promise<Observe> {
  const port = args.includes('--port') ? [] : ['--port', `${await freePort()}`];
  const command = startCommand('observe.ts', [...port, ...args], { SLIPWAY_STATE: stateDir, ...environment });
  await untilPrinted(command, 'Ctrl-C stops');
  const told = (name: string) => new RegExp(`${name} +(\\S+)`).exec(command.output())?.[1] ?? '';
  return { ...command, url: told('dashboards'), prometheus: told('prometheus') };
}

/** Latest first: those who ask before those who are asked. */
export async function endCommands(): Promise<void> {
  for (const command of running.splice(0).reverse()) await command.interrupt();
  for (const dir of folders.splice(0)) rmSync(dir, { recursive: true, force: true });
}
