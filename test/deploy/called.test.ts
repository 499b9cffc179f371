// What make cluster has kind do, and make dev Skaffold.
import { join } from 'node:path';
import { all, attempt, kubectl } from './support/attempt.ts';
import { root } from './support/checkout.ts';

describe('make cluster where kind has none', () => {
  const creating = (create: string, remove = 'true') =>
    attempt({
      command: 'cluster',
      scripts: { ...all, kind: `case "$1" in create) ${create} ;; delete) ${remove} ;; esac` },
    });
  const get = 'kind get clusters';
  const create = `kind create cluster --config ${join(root, 'kind.yaml')} --wait 180s`;
  const remove = 'kind delete cluster --name slipway';
  const ofKind = (calls: readonly string[]) => calls.filter((call) => call.startsWith('kind '));

  it('makes the one of kind.yaml', async () => {
    const { code, out, err, calls } = await creating('echo "Preparing nodes"');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(ofKind(calls)).toEqual([get, create, 'kind export kubeconfig --name slipway']);
    expect(out).toMatch(
      /cluster slipway: creating …\n {2}Preparing nodes\n(.+\n)*The cluster is ready as kind-slipway/,
    );
  });

  it('shows what kind says when it cannot, and leaves no half of it', async () => {
    const { code, err, calls } = await creating('echo "port 30080 is already allocated" >&2; exit 1');
    expect(code).toBe(1);
    expect(err).toMatch(/^kind create cluster .* ended with exit code 1:\nport 30080 is already allocated$/);
    expect(ofKind(calls)).toEqual([get, create, remove]);
  });

  it('nor after Ctrl-C', async () => {
    const { code, err, calls } = await creating('kill -INT $PPID; while :; do :; done');
    expect(code).toBe(130);
    expect(err).toMatch(/^Interrupted\. make cluster goes on from there/);
    expect(ofKind(calls)).toEqual([get, create, remove]);
  });

  it('tells of a half that cannot be deleted', async () => {
    const { code, err } = await creating('echo "no space left" >&2; exit 1', 'echo "still in use" >&2; exit 1');
    expect(code).toBe(1);
    expect(err).toMatch(
      /no space left\n.*`kind delete cluster --name slipway` before the next attempt: .*\nstill in use$/,
    );
  });
});

describe('make dev', () => {
  it.each([
    ['', ''],
    ['redis-ui', ' --profile redis-ui'],
  ])('with PROFILE=%s: skaffold dev …%s', async (profile, added) => {
    const namespaceIsThere = kubectl('kind-slipway', '*"get namespace"*) echo slipway ;;');
    const { code, err, calls } = await attempt({
      command: 'dev',
      scripts: { ...all, kubectl: namespaceIsThere },
      env: { PROFILE: profile },
    });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(calls.filter((call) => call.startsWith('skaffold '))).toEqual([
      `skaffold dev --cleanup=false --kube-context kind-slipway${added}`,
    ]);
  });
});
