// What a server process has used, as the Linux kernel counts it.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Servers under test run alone on the first core; the load, Redis, PostgreSQL and the object store share the other. */
export const serverCore = 0;
const otherCore = 1;

/** Moves this process, and so all it starts from now on, away from the core of the servers. @throws one line where that is impossible */
export function leaveServerCore(): void {
  if (process.platform !== 'linux' || availableParallelism() < 2) {
    throw new Error(
      'make bench needs Linux with two cores: it counts CPU time in /proc and pins servers with taskset.',
    );
  }
  execFileSync('taskset', ['-a', '-c', '-p', `${otherCore}`, `${process.pid}`], { stdio: 'ignore' });
}

/** CPU time of all threads of a process so far, in µs. */
export function cpuMicros(pid: number): number {
  let nanos = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    nanos += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]);
  }
  return nanos / 1000;
}

/** The most memory that a process has had resident, in bytes (VmHWM). */
export function peakMemory(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024;
}
