// Looking at processes that are not our children: whether one still runs, and whether it is still the same one.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Fields of /proc/PID/stat after the command name, which may itself hold blanks and brackets. */
function procStat(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function ps(...args: string[]): string {
  try {
    return execFileSync('ps', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}

/**
 * What tells a process from a later one with the same number: boot and start time. Undefined when there is no such
 * process, or only its zombie.
 */
export function processIdentity(pid: number): string | undefined {
  if (process.platform !== 'linux') return ps('-o', 'lstart=', '-p', `${pid}`) || undefined;
  const stat = procStat(pid);
  if (stat === undefined || stat[0] === 'Z' || stat[0] === 'X') return undefined;
  return `${readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()} ${stat[19]}`;
}

/** Whether the process runs; a zombie does not. */
export function isRunning(pid: number): boolean {
  return processIdentity(pid) !== undefined;
}

/** Name of the program that a process runs, without its folder; empty when it is gone. */
export function programName(pid: number): string {
  if (process.platform !== 'linux') return ps('-o', 'comm=', '-p', `${pid}`).split('/').pop() ?? '';
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

/** Folder that a process works in; on systems without /proc, or for a process that is gone, undefined. */
export function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

/** The process and all its descendants, parents first. */
export function processTree(pid: number): number[] {
  const parents: [pid: number, parent: number][] =
    process.platform === 'linux'
      ? readdirSync('/proc')
          .filter((name) => /^\d+$/.test(name))
          .map((name) => [Number(name), Number(procStat(Number(name))?.[1])])
      : ps('-A', '-o', 'pid=,ppid=')
          .split('\n')
          .map((line) => line.trim().split(/\s+/).map(Number))
          .map(([child = 0, parent = 0]) => [child, parent]);
  const tree = [pid];
  for (const ancestor of tree)
    tree.push(...parents.filter(([, parent]) => parent === ancestor).map(([child]) => child));
  return tree;
}

/** Sends a signal to each process that still exists. */
export function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/**
 * Stops a process, ours or not, and resolves when it is gone: `name`, `graceMs` of waiting, then SIGKILL for it and
 * its descendants. Frozen (SIGSTOP) processes are woken first, or they would never see the signal.
 */
export async function stopProcess(pid: number, name: NodeJS.Signals, graceMs: number): Promise<void> {
  if (!isRunning(pid)) return;
  signal([pid], name);
  signal(processTree(pid), 'SIGCONT');
  for (const deadline = Date.now() + graceMs; Date.now() < deadline; await sleep(20)) {
    if (!isRunning(pid)) return;
  }
  signal(processTree(pid), 'SIGKILL');
  while (isRunning(pid)) await sleep(10);
}
