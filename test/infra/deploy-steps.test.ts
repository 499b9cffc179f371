import { short } from './support/machine.ts';
import { healthy, operator } from './support/operator.ts';

const { machine, loadBalancer, operate } = operator();

describe('a deployment', () => {
  it('makes the stacks in order, then the service, and alarms when it is healthy', async () => {
    const { status, stdout, stderr, calls } = await operate('deploy', 'production', 'yes\n');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const cdk = (words: string) => `node_modules/.bin/cdk ${words}`;
    expect(short(calls)).toEqual([
      'local/node infra/main.ts .cache/cdk.out',
      cdk('bootstrap aws://222233334444/us-east-1'),
      cdk('deploy registry-us-east-1'),
      ...['network', 'operations', 'data', 'edge', 'cluster'].map((stack) => cdk(`deploy production/${stack}`)),
      'aws eks update-kubeconfig --name slipway-production --alias slipway-production',
      'local/node k8s/deploy/deploy.ts production',
      cdk('deploy production/observability'),
    ]);
    expect(stdout).toContain(`The service answers at http://${loadBalancer.host}`);
    expect(stdout).toContain('aws iam get-role --role-name platform-admin');
    expect(stdout).toContain('aws iam get-user --user-name break-glass');
  });

  it.each([
    ['with another answer', 'no\n'],
    ['when nobody is there to answer', ''],
  ])('changes nothing %s', async (_, input) => {
    const { status, stderr, calls } = await operate('deploy', 'staging', input);
    expect({ status, stderr }).toEqual({ status: 1, stderr: 'Nothing was changed.\n' });
    expect(short(calls)).toEqual([]);
  });

  it('that fails names the step, goes no further, and goes on when it is repeated', async () => {
    machine.answer('node_modules/.bin/cdk', "*staging/data*) echo 'no such class' >&2; exit 3 ;;");
    const { status, stderr, calls } = await operate('deploy', 'staging', 'yes\n');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^no such class\nStep \d+, "Make slipway-staging-data", failed: .*cdk ended with 3/);
    expect(stderr).toContain('Run the same command again');
    expect(calls.at(-1)).toContain('deploy staging/data');
    machine.answer('node_modules/.bin/cdk');
    expect((await operate('deploy', 'staging', 'yes\n')).status).toBe(0);
  });

  it('takes the protection off a stack, and off its databases, whose first creation has failed, and off no other', async () => {
    machine.answer(
      'aws',
      `*describe-stacks*production-data*) echo ROLLBACK_FAILED ;;
*describe-stack-resources*) echo 'slipway-production	somebody-elses' ;;
${healthy}`,
    );
    const { status, calls } = await operate('deploy', 'production', 'yes\n');
    expect(status).toBe(0);
    const taken = calls.filter((call) => /protection/.test(call));
    expect(taken).toEqual([
      'aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name slipway-production-data --region us-east-1',
      'aws rds modify-db-instance --db-instance-identifier slipway-production --no-deletion-protection --region us-east-1',
    ]);
    const place = (part: string) => calls.findIndex((call) => call.includes(part));
    expect(place('no-deletion-protection')).toBeLessThan(place('deploy production/data'));
  });

  it('goes no further while a database waits for a restart to take its parameters', async () => {
    machine.answer(
      'aws',
      `*describe-db-instances*) echo 'slipway-production	slipway-production-reader	other' ;;\n${healthy}`,
    );
    const { status, stderr, calls } = await operate('deploy', 'production', 'yes\n');
    expect(status).toBe(1);
    expect(stderr).toContain('slipway-production and slipway-production-reader must restart');
    expect(stderr).toContain(
      'aws rds reboot-db-instance --db-instance-identifier slipway-production-reader --region us-east-1',
    );
    expect(stderr).not.toContain('other');
    expect(calls.filter((call) => call.includes('cdk deploy')).at(-1)).toContain('production/data');
  });

  it('waits for CloudFormation where it is still at work, of itself or for somebody else', async () => {
    machine.answer(
      'aws',
      `*describe-stacks*staging-data*)
  if [ -e begun ]; then echo CREATE_COMPLETE; else touch begun; echo CREATE_IN_PROGRESS; fi ;;
*describe-stacks*staging-edge*) echo REVIEW_IN_PROGRESS ;;
${healthy}`,
    );
    const { status, stdout, calls } = await operate('deploy', 'staging', 'yes\n');
    expect(status).toBe(0);
    expect(stdout.match(/.*still at work.*/g)).toEqual([
      'CloudFormation is still at work on slipway-staging-data (CREATE_IN_PROGRESS): waiting …',
    ]);
    const asked = calls.flatMap((call, place) => (/describe-stacks.*staging-data/.test(call) ? [place] : []));
    expect(asked).toHaveLength(2);
    expect(asked[1]).toBeLessThan(calls.findIndex((call) => call.includes('deploy staging/data')));
  });

  it('without a web ACL detaches the one there was, before its stack lets it go', async () => {
    const { calls } = await operate('deploy', 'staging', 'yes\n', { loadBalancer: { webAcl: false } });
    expect(short(calls).slice(5, 8)).toEqual([
      'node_modules/.bin/cdk deploy staging/data',
      'aws wafv2 disassociate-web-acl --resource-arn arn:load-balancer',
      'node_modules/.bin/cdk deploy staging/edge',
    ]);
  });
});

it('a diff shows the registry as well', async () => {
  const { calls } = await operate('diff', 'staging', '');
  expect(calls.at(-1)).toContain('cdk diff registry-us-east-1 staging/*');
});
