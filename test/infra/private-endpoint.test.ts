import { short } from './support/machine.ts';
import { healthy, operator } from './support/operator.ts';

const { machine, loadBalancer, operate } = operator();

describe('a private endpoint', () => {
  const change = { aws: { cluster: { endpoint: 'private', allowedCidrs: ['10.20.0.0/16'] } } };
  const withApiServer = (address: string) =>
    machine.answer('aws', `*describe-cluster*) echo 'ACTIVE	https://${address}' ;;\n${healthy}`);
  /** Of a port at which nobody listens. */
  const nobody = '127.0.0.1:1';
  const told = `The private API server ${nobody} does not answer from here (connect ECONNREFUSED ${nobody}): this machine needs an address in aws.cluster.allowedCidrs 10.20.0.0/16, and routes there and back.`;

  it('that answers is deployed to', async () => {
    withApiServer(loadBalancer.host);
    const { status, stdout } = await operate('deploy', 'staging', 'yes\n', change);
    expect(status).toBe(0);
    expect(stdout).not.toContain('does not answer');
  });

  it('that does not answer is told of before the question; the stacks are made, the service is not deployed', async () => {
    withApiServer(nobody);
    const { status, stdout, stderr, calls } = await operate('deploy', 'staging', 'yes\n', change);
    expect(stdout.indexOf(told)).toBeGreaterThan(0);
    expect(stdout.indexOf(told)).toBeLessThan(stdout.indexOf('Go on? (yes)'));
    expect([status, calls.some((call) => call.includes('deploy staging/cluster'))]).toEqual([1, true]);
    expect(stderr).toMatch(
      /^Step \d+, "See whether the private API server answers here", failed: The private API server/,
    );
    expect(calls.filter((call) => /update-kubeconfig|k8s\/deploy/.test(call))).toEqual([]);
  });

  it('that does not answer keeps an environment from being taken down by half', async () => {
    withApiServer(nobody);
    const { status, stderr, calls } = await operate('destroy', 'staging', 'staging\n', change);
    expect([status, stderr]).toEqual([1, `${told}\n`]);
    expect(short(calls)).toEqual([]);
  });

  it('of a cluster that is not there yet is not asked', async () => {
    machine.answer('aws', `*describe-cluster*) echo ResourceNotFoundException >&2; exit 254 ;;\n${healthy}`);
    const { stdout, stderr } = await operate('deploy', 'staging', 'no\n', change);
    expect(stderr).toBe('Nothing was changed.\n');
    expect(stdout).not.toContain('does not answer');
  });

  it('has its way there among the manual steps', async () => {
    const { stdout } = await operate('deploy', 'staging', 'no\n', change);
    expect(stdout).toContain(
      'as soon as there is slipway-staging-network, connect the network of 10.20.0.0/16 to its VPC by VPN, transit gateway or peering, with a route to 10.0.0.0/16 there and routes back here',
    );
    expect(stdout).toContain('do for range in 10.20.0.0/16; do aws ec2 create-route --route-table-id $table');
    const inside = { aws: { cluster: { endpoint: 'private', allowedCidrs: ['10.0.11.0/28'] } } };
    expect((await operate('deploy', 'staging', 'no\n', inside)).stdout).toContain(
      'make a way into 10.0.11.0/28, by Client VPN or a machine there, with a security group of its own',
    );
    expect((await operate('deploy', 'staging', 'no\n')).stdout).not.toContain('is private');
  });
});
