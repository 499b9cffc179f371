// What a step is about may be gone already, or never have been made: then the step is left out.
import { ask } from './ask.ts';

export type Thing =
  | { cluster: string; region: string }
  | { stack: string; region: string }
  /** A kind of objects that a chart defines, such as nodepools.karpenter.sh. */
  | { kind: string; context: string };

/** How AWS says that there is nothing of that name. */
const absent = /ResourceNotFoundException|does not exist/;

function asked(thing: Thing): { command: readonly [string, ...string[]]; isThere: (answer: string) => boolean } {
  if ('cluster' in thing) {
    const { cluster, region } = thing;
    const query = ['--query', 'cluster.status', '--output', 'text'];
    return {
      command: ['aws', 'eks', 'describe-cluster', '--name', cluster, '--region', region, ...query],
      // One that failed, or that is being deleted, answers nobody.
      isThere: (status) => ['ACTIVE', 'UPDATING'].includes(status),
    };
  }
  if ('stack' in thing) {
    const { stack, region } = thing;
    const query = ['--query', 'Stacks[0].StackStatus', '--output', 'text'];
    return {
      command: ['aws', 'cloudformation', 'describe-stacks', '--stack-name', stack, '--region', region, ...query],
      isThere: () => true,
    };
  }
  const { kind, context } = thing;
  return {
    command: ['kubectl', '--context', context, 'get', 'crd', kind, '--ignore-not-found', '--output', 'name'],
    isThere: (name) => name !== '',
  };
}

/** @throws Error when it cannot be found out */
export function isThere(thing: Thing): boolean {
  const { command, isThere } = asked(thing);
  const { ok, stdout, complaint } = ask(...command);
  if (ok) return isThere(stdout);
  if (absent.test(complaint)) return false;
  throw new Error(`${command.join(' ')}: ${complaint}`);
}

export function nameOf(thing: Thing): string {
  if ('cluster' in thing) return `cluster ${thing.cluster} that runs`;
  return 'stack' in thing ? `stack ${thing.stack}` : `kind ${thing.kind} in the cluster`;
}
