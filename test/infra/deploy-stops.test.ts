import { waitFor } from '../support/wait.ts';
import { healthy, operator } from './support/operator.ts';

const { machine, loadBalancer, begin } = operator();

describe('who stops a deployment', () => {
  /** Stops it as soon as what it has called shows where it is. */
  async function stopped(reached: (calls: readonly string[]) => boolean, stop: (pid: number) => void) {
    const { pid, ended } = begin('deploy', 'staging', 'yes\n');
    const calls: string[] = [];
    await waitFor('the step', () => calls.push(...machine.calls()) > 0 && reached(calls), 60_000);
    stop(pid);
    const { stderr, status } = await ended;
    return { stderr, status, later: machine.calls() };
  }
  const interrupt = (pid: number) => process.kill(-pid, 'SIGINT');
  const terminate = (pid: number) => process.kill(pid, 'SIGTERM');
  const last = (pattern: string) => (calls: readonly string[]) => calls.at(-1)?.includes(pattern) === true;

  const goOn = 'Run the same command again to go on: what is done is left as it is.';
  const atStack =
    /^Step \d+, "Make slipway-staging-data", was interrupted. CloudFormation goes on with slipway-staging-data by itself. How far it is:\n {2}aws cloudformation describe-stacks --stack-name slipway-staging-data .*--region us-east-1\nRun the same command again/;

  it.each([
    ['by Ctrl-C', interrupt],
    ['by SIGTERM', terminate],
  ])('%s hears that CloudFormation goes on by itself, and how to look and go on', async (_, stop) => {
    machine.answer('node_modules/.bin/cdk', '*"deploy staging/data"*) exec sleep 60 ;;');
    const { stderr, status, later } = await stopped(last('deploy staging/data'), stop);
    expect(stderr).toMatch(atStack);
    expect([status, later]).toEqual([1, []]);
  });

  it('between stacks hears only how to go on', async () => {
    machine.answer('node_modules/.bin/cdk', '*bootstrap*) exec sleep 60 ;;');
    const { stderr, status } = await stopped(last('bootstrap'), interrupt);
    expect(stderr).toBe(`Step 2, "Prepare the account for the CDK, if it is not", was interrupted. ${goOn}\n`);
    expect(status).toBe(1);
  });

  it('while AWS is asked something hears no complaint of that, and nothing more is begun', async () => {
    machine.answer('aws', `*describe-stacks*staging-data*) exec sleep 60 ;;\n${healthy}`);
    const { stderr, status, later } = await stopped(
      last('describe-stacks --stack-name slipway-staging-data'),
      interrupt,
    );
    expect(stderr).toMatch(atStack);
    expect([status, later]).toEqual([1, []]);
  });

  it('while CloudFormation is waited for hears so at once', async () => {
    machine.answer('aws', `*describe-stacks*staging-data*) echo UPDATE_IN_PROGRESS ;;\n${healthy}`);
    const asked = (calls: readonly string[]) => calls.filter((call) => /describe-stacks.*staging-data/.test(call));
    const { stderr, status, later } = await stopped((calls) => asked(calls).length > 1, interrupt);
    expect(stderr).toMatch(atStack);
    expect([status, later]).toEqual([1, []]);
  });

  it.each([
    ['by Ctrl-C', interrupt],
    ['by SIGTERM', terminate],
  ])('%s while /health does not answer hears how to go on', async (_, stop) => {
    loadBalancer.status = undefined;
    const { stderr, status, later } = await stopped(() => loadBalancer.unanswered.length > 0, stop);
    expect(stderr).toMatch(new RegExp(`^Step \\d+, "Ask the load balancer for /health", was interrupted. ${goOn}\n$`));
    expect([status, later]).toEqual([1, []]);
  });
});
