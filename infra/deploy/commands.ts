// `make deploy`, `make destroy` and `make infra-diff`: checks, what will be done, one question, and the doing.
import { createInterface } from 'node:readline/promises';
import type { AwsEnvironment } from '../environment.ts';
import { endpointFault } from './endpoint.ts';
import { interruptible } from './interruption.ts';
import { manualSteps } from './manual-steps.ts';
import { accountFaults, certificateFaults, placeFaults, sampleFaults, toolFaults } from './preflight.ts';
import { quotaFaults } from './quotas.ts';
import { describeSteps, execute, Refusal, runAll, say } from './run.ts';
import { assembly, deploySteps, destroySteps, retained } from './steps.ts';

/** @throws Refusal with all faults of the first kind of which there are any: the next kind could not be asked */
function check(environment: AwsEnvironment, tools: readonly string[], ...more: readonly (() => string[])[]): void {
  const kinds = [
    () => [...sampleFaults(environment), ...toolFaults(tools)],
    () => accountFaults(environment),
    () => more.flatMap((each) => each()),
  ];
  for (const faults of kinds) {
    const found = faults();
    if (found.length > 0) throw new Refusal(found.join('\n'));
  }
}

/** @throws Refusal on any other answer, and when nobody is there to answer */
async function ask(question: string, expected: string): Promise<void> {
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  const closed = new AbortController();
  prompt.once('close', () => closed.abort());
  const answer = await prompt.question(question, { signal: closed.signal }).catch(() => undefined);
  prompt.close();
  if (answer === undefined) say();
  if (answer?.trim() !== expected) throw new Refusal('Nothing was changed.');
}

export interface Options {
  /** Prints every step, and needs neither credentials nor tools. */
  dryRun: boolean;
  /** Asks nothing; a destroy asks all the same. */
  yes: boolean;
}

export async function deploy(environment: AwsEnvironment, { dryRun, yes }: Options): Promise<void> {
  const notChecked: string[] = [];
  const note = (what: string) => void notChecked.push(what);
  if (!dryRun) {
    check(
      environment,
      ['aws', 'kubectl', 'docker'],
      () => placeFaults(environment),
      () => certificateFaults(environment, note),
      () => quotaFaults(environment, note),
    );
  }
  const { name, accountId, region, loadBalancer } = environment;
  const steps = deploySteps(environment);
  say(`${name} onto the account ${accountId}, ${region}:`);
  describeSteps(steps);
  say('\nOnly a person can do these:');
  for (const { what, how } of manualSteps(environment)) say(`  - ${what}\n    ${how}`);
  if (loadBalancer.domain === undefined) {
    say('\nThere is no loadBalancer.domain: the service speaks plain HTTP to the internet, API keys included.');
  }
  if (dryRun) return;
  for (const what of notChecked) say(`\nNot checked: ${what}`);
  const fault = await endpointFault(environment);
  // The stacks need no way there, and may be what opens it.
  if (fault !== undefined) say(`\n${fault} The stacks can be made without; the service cannot be deployed.`);
  if (!yes) await ask('\nGo on? (yes) ', 'yes');
  await runAll(steps, environment);
}

export async function destroy(environment: AwsEnvironment, { dryRun }: Options): Promise<void> {
  const steps = destroySteps(environment);
  say(`${environment.name} off the account ${environment.accountId}, ${environment.region}:`);
  describeSteps(steps);
  say('\nThis stays, and costs money:');
  for (const each of retained(environment)) say(`  - ${each}`);
  if (dryRun) return;
  check(environment, ['aws', 'kubectl']);
  const fault = await endpointFault(environment);
  if (fault !== undefined) throw new Refusal(fault);
  await ask(`\nType the name of the environment to delete it: `, environment.name);
  await runAll(steps, environment);
}

export async function diff(environment: AwsEnvironment): Promise<void> {
  check(environment, ['aws']);
  const stacks = [`registry-${environment.region}`, `${environment.name}/*`];
  await interruptible(async (stop) => {
    await execute(['local/node', 'infra/main.ts', assembly], stop);
    await execute(['node_modules/.bin/cdk', 'diff', ...stacks, '--app', assembly, '--no-notices'], stop);
  });
}
