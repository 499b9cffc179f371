// What CloudFormation has to be asked before the CDK is let at a stack.
import { setTimeout as sleep } from 'node:timers/promises';
import { databaseServerName } from '../../config/aws-names.ts';
import type { AwsEnvironment } from '../environment.ts';
import { ask, insist } from './ask.ts';

const pollMs = 5000;

/** @returns undefined when there is no such stack, or it may not be seen */
function statusOf({ region }: AwsEnvironment, stack: string): string | undefined {
  const { ok, stdout } = ask(
    ...(['aws', 'cloudformation', 'describe-stacks', '--stack-name', stack, '--region', region] as const),
    ...['--query', 'Stacks[0].StackStatus', '--output', 'text'],
  );
  return ok ? stdout : undefined;
}

/** A change that is only proposed is none, and stays so until somebody takes it up. */
const isAtWork = (status = '') => status.endsWith('_IN_PROGRESS') && status !== 'REVIEW_IN_PROGRESS';

/**
 * Waits while CloudFormation goes on with what was begun before: the CDK would take a stack that is half made for made.
 *
 * @param tell hears of it once, when there is something to wait for
 * @param stop ends the wait
 */
export async function awaitQuiet(
  environment: AwsEnvironment,
  stack: string,
  tell: (line: string) => void,
  stop: AbortSignal,
): Promise<void> {
  for (let told = false; ; await sleep(pollMs, undefined, { signal: stop })) {
    const status = statusOf(environment, stack);
    if (!isAtWork(status)) return;
    if (!told) tell(`CloudFormation is still at work on ${stack} (${status}): waiting …`);
    told = true;
  }
}

/** The first deployment of a stack has failed, and what it had made was taken back, or was not. */
const failedCreations = ['ROLLBACK_COMPLETE', 'ROLLBACK_FAILED'];

/**
 * Takes the protection off a stack that was never made, so that the CDK, which deletes such a stack and begins anew, can do so.
 *
 * @returns whether there was one
 */
export function clearFailedCreation(environment: AwsEnvironment, stack: string): boolean {
  const region = ['--region', environment.region];
  if (!failedCreations.includes(statusOf(environment, stack) ?? '')) return false;
  insist(
    ...(['aws', 'cloudformation', 'update-termination-protection', '--no-enable-termination-protection'] as const),
    ...['--stack-name', stack, ...region],
  );
  // Databases refuse deletion by themselves, too: those that the failed stack still holds have never been used.
  const left = insist(
    ...(['aws', 'cloudformation', 'describe-stack-resources', '--stack-name', stack, ...region] as const),
    ...['--query', 'StackResources[?ResourceType==`AWS::RDS::DBInstance`].PhysicalResourceId', '--output', 'text'],
  );
  const own = databaseServerName(environment);
  for (const id of left.split(/\s+/).filter((each) => each === own || each === `${own}-reader`)) {
    if (!ask('aws', 'rds', 'describe-db-instances', '--db-instance-identifier', id, ...region).ok) continue;
    insist('aws', 'rds', 'modify-db-instance', '--db-instance-identifier', id, '--no-deletion-protection', ...region);
  }
  return true;
}
