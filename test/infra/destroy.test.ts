import { short } from './support/machine.ts';
import { healthy, operator } from './support/operator.ts';

const { machine, operate } = operator();

describe('taking an environment down', () => {
  it('changes nothing until its name is typed', async () => {
    for (const input of ['yes\n', '']) {
      const { status, stderr, calls } = await operate('destroy', 'staging', input);
      expect({ status, stderr }).toEqual({ status: 1, stderr: 'Nothing was changed.\n' });
      expect(short(calls)).toEqual([]);
    }
  });

  it('deletes the alarms first, then load balancer, pods, nodes and disks, then the other stacks', async () => {
    const { status, calls } = await operate('destroy', 'staging', 'staging\n');
    expect(status).toBe(0);
    const kubectl = (words: string) => `kubectl --context slipway-staging ${words}`;
    expect(short(calls)).toEqual([
      'local/node infra/main.ts .cache/cdk.out',
      'node_modules/.bin/cdk destroy staging/observability',
      'aws eks update-kubeconfig --name slipway-staging --alias slipway-staging',
      'aws elbv2 modify-load-balancer-attributes --load-balancer-arn arn:load-balancer',
      kubectl('delete ingress --namespace slipway --timeout=10m --all --wait'),
      kubectl('delete deployment,job --namespace slipway --timeout=10m --all --wait'),
      kubectl('delete nodepools.karpenter.sh --timeout=15m --all --wait'),
      kubectl('delete nodeclaims.karpenter.sh --timeout=15m --all --wait'),
      kubectl('delete prometheus --namespace monitoring --timeout=5m --all --wait'),
      kubectl('delete pvc --namespace monitoring --timeout=5m --all --wait'),
      kubectl('wait --for=delete pv --all --timeout=5m'),
      ...['cluster', 'edge', 'data', 'operations', 'network'].map(
        (stack) => `node_modules/.bin/cdk destroy staging/${stack}`,
      ),
    ]);
  });

  it('of production takes alarms and cluster only, and keeps what holds data and names', async () => {
    const { stdout, calls } = await operate('destroy', 'production', 'production\n');
    expect(short(calls).filter((call) => /cdk destroy|protection/.test(call))).toEqual([
      'node_modules/.bin/cdk destroy production/observability',
      'aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name slipway-production-cluster',
      'node_modules/.bin/cdk destroy production/cluster',
    ]);
    for (const stack of ['network', 'operations', 'data', 'edge'])
      expect(stdout).toContain(`(stack slipway-production-${stack})`);
  });

  it('takes the protection out of the Ingress first, without which the controller never lets it go', async () => {
    machine.answer(
      'kubectl',
      `*"get ingress"*) echo idle_timeout=60,deletion_protection.enabled=true,last=1 ;;
*"annotate ingress"*deletion_protection.enabled=false*) touch released ;;
*"delete ingress"*) [ -e released ] || { echo 'timed out: deletion_protection is enabled, cannot delete the ingress' >&2; exit 1; } ;;
*"get crd"*) echo there ;;`,
    );
    const { status, calls } = await operate('destroy', 'production', 'production\n');
    expect(status).toBe(0);
    expect(calls.filter((call) => call.includes('annotate'))).toEqual([
      'kubectl --context slipway-production --namespace slipway annotate ingress slipway --overwrite alb.ingress.kubernetes.io/load-balancer-attributes=idle_timeout=60,deletion_protection.enabled=false,last=1',
    ]);
  });

  it('can be repeated, and takes half an environment down', async () => {
    machine.answer(
      'aws',
      `*describe-cluster*) echo 'An error occurred (ResourceNotFoundException) when calling DescribeCluster' >&2; exit 254 ;;
*describe-load-balancers*) echo 'An error occurred (LoadBalancerNotFound)' >&2; exit 254 ;;
*describe-stacks*) echo 'Stack with id slipway-production-cluster does not exist' >&2; exit 254 ;;
${healthy}`,
    );
    machine.answer('kubectl', "config*|version*) ;;\n*) echo 'context does not exist' >&2; exit 1 ;;");
    const { status, stdout, calls } = await operate('destroy', 'production', 'production\n');
    expect(status).toBe(0);
    expect(stdout).toContain('Left out: there is no cluster slipway-production that runs.');
    expect(short(calls)).toEqual([
      'local/node infra/main.ts .cache/cdk.out',
      'node_modules/.bin/cdk destroy production/observability',
      'node_modules/.bin/cdk destroy production/cluster',
    ]);
  });

  it('does not delete the cluster while nodes of Karpenter are left', async () => {
    machine.answer(
      'kubectl',
      `*"get crd"*) echo there ;;\n*"delete nodeclaims"*) echo 'timed out waiting for the condition' >&2; exit 1 ;;`,
    );
    const { status, stderr, calls } = await operate('destroy', 'staging', 'staging\n');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^timed out waiting.*\nStep \d+, "Wait until they are gone/);
    // The alarms stand on nothing, and would ring while the rest goes.
    const destroyed = calls.filter((call) => call.includes('cdk destroy'));
    expect(destroyed).toEqual([expect.stringContaining(' staging/observability ')]);
  });

  it('leaves kinds out that no chart has defined yet', async () => {
    machine.answer('kubectl');
    const { status, calls } = await operate('destroy', 'staging', 'staging\n');
    expect(status).toBe(0);
    expect(calls.filter((call) => /delete (nodepools|nodeclaims|prometheus)/.test(call))).toEqual([]);
    expect(calls.filter((call) => /delete (ingress|pvc)/.test(call))).toHaveLength(2);
  });

  it('stops when it cannot find out what is there', async () => {
    machine.answer('aws', `*describe-cluster*) echo 'ExpiredToken' >&2; exit 254 ;;\n${healthy}`);
    const { status, stderr, calls } = await operate('destroy', 'staging', 'staging\n');
    expect(status).toBe(1);
    expect(stderr).toContain('ExpiredToken');
    expect(short(calls).slice(2)).toEqual([]);
  });
});
