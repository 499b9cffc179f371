// Runs steps, one after the other, until one fails.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AwsEnvironment } from '../environment.ts';
import { restartFault } from './database.ts';
import { endpointFault } from './endpoint.ts';
import { awaitHealth } from './health.ts';
import { interruptible, isStopped } from './interruption.ts';
import { detachWebAcl, releaseIngress, releaseLoadBalancer } from './load-balancer.ts';
import { isThere, nameOf } from './presence.ts';
import { makeSpotRole, spotRole } from './spot-role.ts';
import { awaitQuiet, clearFailedCreation } from './stacks.ts';
import type { Step } from './steps.ts';

export const say = (line = ''): void => void process.stdout.write(`${line}\n`);

/** A fault that is told in one line, without a stack. */
export class Refusal extends Error {}

export function describeSteps(steps: readonly Step[]): void {
  for (const [index, step] of steps.entries()) {
    say(`${String(index + 1).padStart(3)}. ${step.title}`);
    const command = 'command' in step ? step.command : 'shown' in step ? step.shown : undefined;
    if (command !== undefined) say(`     ${command.join(' ')}`);
  }
}

/**
 * SIGTERM is passed on to the program, which Ctrl-C reaches by the terminal as well.
 *
 * @throws Interruption when `stop` is aborted, once the program has ended, however it did
 */
export async function execute([program, ...args]: readonly string[], stop: AbortSignal): Promise<void> {
  if (await isStopped(stop)) throw stop.reason;
  const child = spawn(program as string, args, { stdio: 'inherit' });
  const passOn = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGTERM', passOn);
  try {
    const [status, signal] = await once(child, 'close');
    stop.throwIfAborted();
    if (status !== 0) throw new Refusal(`${program} ended with ${status ?? signal}; its message is above.`);
  } finally {
    process.off('SIGTERM', passOn);
  }
}

/** What to tell whoever has stopped a step. */
function afterInterruption({ stack }: Step, { region }: AwsEnvironment): string {
  if (stack === undefined) return 'Run the same command again to go on: what is done is left as it is.';
  return [
    `CloudFormation goes on with ${stack} by itself. How far it is:`,
    `  aws cloudformation describe-stacks --stack-name ${stack} --query 'Stacks[0].StackStatus' --output text --region ${region}`,
    'Run the same command again to go on: it waits until CloudFormation has ended.',
  ].join('\n');
}

function insistOnNo(fault: string | undefined): void {
  if (fault !== undefined) throw new Refusal(fault);
}

async function perform(step: Step, environment: AwsEnvironment, stop: AbortSignal): Promise<void> {
  const missing = step.needs?.find((thing) => !isThere(thing));
  if (missing !== undefined) return say(`Left out: there is no ${nameOf(missing)}.`);
  if (step.stack !== undefined) await awaitQuiet(environment, step.stack, say, stop);
  if ('command' in step) return execute(step.command, stop);
  switch (step.action) {
    case 'releaseIngress':
      return releaseIngress(environment);
    case 'releaseLoadBalancer':
      return releaseLoadBalancer(environment);
    case 'detachWebAcl':
      return detachWebAcl(environment);
    case 'clearFailedCreation':
      if (clearFailedCreation(environment, step.stack)) say(`The creation of ${step.stack} has failed before.`);
      return;
    case 'makeSpotRole':
      if (makeSpotRole()) say(`Made ${spotRole.name}.`);
      return;
    case 'insistOnApiServer':
      return insistOnNo(await endpointFault(environment));
    case 'insistOnDatabase':
      return insistOnNo(restartFault(environment));
    case 'awaitHealth':
      say(`The service answers at ${await awaitHealth(environment, stop)}`);
  }
}

/** @throws Refusal that names the step which failed, or which Ctrl-C or SIGTERM has interrupted, and how to go on */
export const runAll = (steps: readonly Step[], environment: AwsEnvironment): Promise<void> =>
  interruptible(async (stop) => {
    for (const [index, step] of steps.entries()) {
      say(`\n== ${index + 1}/${steps.length} ${step.title}`);
      const fault = await perform(step, environment, stop).catch((error: Error) => error);
      const named = `Step ${index + 1}, "${step.title}",`;
      // A program that dies of the same Ctrl-C has not failed.
      if (await isStopped(stop)) throw new Refusal(`${named} was interrupted. ${afterInterruption(step, environment)}`);
      if (fault !== undefined)
        throw new Refusal(
          `${named} failed: ${fault.message}\nRun the same command again when that is mended: what is done is left as it is.`,
        );
    }
  });
