// Disturbs nodes, and puts them right again whatever becomes of the test.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type Disturbance, guard } from './guard.ts';
import { kubectl } from './kubectl.ts';

/** Keeps new pods off a node. */
export async function cordon(node: string): Promise<Disturbance> {
  const disturbance = guard(['kubectl', 'uncordon', node]);
  await kubectl(['cordon', node]);
  return disturbance;
}

/** Makes the kubelet of a node fall silent; its containers run on. Knows kind's nodes and kubelets of this machine. */
export function silenceKubelet(node: string): Disturbance {
  if (isContainer(node)) {
    const service = (verb: string) => ['docker', 'exec', node, 'systemctl', verb, 'kubelet'];
    const disturbance = guard(service('start'));
    const [program, ...args] = service('stop') as [string, ...string[]];
    execFileSync(program, args, { stdio: 'pipe' });
    return disturbance;
  }
  const pid = kubeletOfThisMachine(node);
  const disturbance = guard(['sh', '-c', 'kill -CONT "$1"', 'sh', String(pid)]);
  process.kill(pid, 'SIGSTOP');
  return disturbance;
}

function isContainer(node: string): boolean {
  try {
    execFileSync('docker', ['container', 'inspect', node], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

/** @throws Error when no kubelet here has the node's name in its command line */
function kubeletOfThisMachine(node: string): number {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const [program = '', ...args] = commandLine(pid);
    if (basename(program) === 'kubelet' && args.some((arg) => arg.split(/[=/]/).includes(node))) return Number(pid);
  }
  throw new Error(
    `${node} is no container of docker, and no kubelet on this machine names it: cannot stop its kubelet`,
  );
}

function commandLine(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return []; // it ended meanwhile
  }
}
