// make cluster, deploy and undeploy on the real cluster, in the namespace and on the node port of the local environment itself.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { local } from '../../config/local.ts';
import { type Checkout, copyCheckout, type Ended, root, start } from '../deploy/support/checkout.ts';
import { waitFor } from '../support/wait.ts';
import { webPodsIn } from './support/api.ts';
import { get, insistOnNone, isReady, type KubeObject, kubectl } from './support/kubectl.ts';

const { namespace } = local;
const address = `http://127.0.0.1:${local.loadBalancer.nodePort}`;
const open: (() => unknown)[] = [];

const make = (verb: string, { cwd = root, env = {} }: Parameters<typeof start>[2] = {}): Promise<Ended> =>
  start('make', [verb, 'ENV=local'], { cwd, env }).ended;

/** A copy with one change, which gives up on a rollout sooner. */
function variant(path: string, from: string, to: string): Checkout {
  const checkout = copyCheckout();
  open.push(() => checkout.remove());
  checkout.edit('config/local.ts', 'progressDeadlineSeconds: 60', 'progressDeadlineSeconds: 40');
  checkout.edit(path, from, to);
  return checkout;
}

/** Redis may come up after the service, which connects again within a second or so of it. */
const sessionAnswers = async () => (await fetch(`${address}/session`)).status === 200;

const exists = async () => (await kubectl(['get', 'namespace', namespace, '--ignore-not-found'])) !== '';

/** Everything in the namespace that an apply could change, as it is. */
async function snapshot(): Promise<string[]> {
  const kinds =
    'deployments,replicasets,jobs,services,configmaps,secrets,serviceaccounts,networkpolicies,statefulsets,ingresses,poddisruptionbudgets,horizontalpodautoscalers,servicemonitors,prometheusrules';
  const { items } = await get<{ items: KubeObject[] }>(kinds, '--namespace', namespace);
  return items
    .map(({ kind, metadata }) => `${kind} ${metadata.name} ${metadata.uid} ${metadata.generation ?? ''}`)
    .sort();
}

const webPods = () => webPodsIn(namespace);

let ours = false;
afterAll(async () => {
  for (const close of open) await close();
  if (!ours) return;
  await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']);
  // Nobody asks the pods any more, so they need not drain.
  await kubectl(['delete', 'pods', '--namespace', namespace, '--all', '--force', '--grace-period=0']);
  await kubectl(['wait', '--for=delete', `namespace/${namespace}`, '--timeout=120s']);
});

describe('make cluster', () => {
  it('on a cluster that is there only looks, and says what it found', async () => {
    const { code, out, err } = await start('make', ['cluster']).ended;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const each of ['cluster slipway', 'metrics-server', 'prometheus-operator'])
      expect(out).toContain(`${each}: present`);
  });
});

describe('make deploy ENV=local', () => {
  beforeAll(async () => {
    await insistOnNone(namespace);
    ours = true;
  });

  it('on a cluster that does not answer, or lacks a prerequisite, applies nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-kubeconfig-'));
    open.push(() => rmSync(folder, { recursive: true }));
    const kubeconfig = join(folder, 'config');
    const cluster = { name: 'c', cluster: { server: 'http://127.0.0.1:9' } };
    const context = { name: 'kind-closed', context: { cluster: 'c', user: '' } };
    const config = { apiVersion: 'v1', kind: 'Config', clusters: [cluster], contexts: [context] };
    writeFileSync(kubeconfig, JSON.stringify({ ...config, 'current-context': 'kind-closed' }));
    const closed = await make('deploy', { env: { KUBECONFIG: kubeconfig } });
    expect(closed.code).not.toBe(0);
    expect(closed.err).toMatch(
      /The cluster of the context kind-closed does not answer \(.*refused.*\): `make cluster`/,
    );

    const { dir } = variant(
      'config/local.ts',
      "'prometheus-operator']",
      "'prometheus-operator', 'aws-load-balancer-controller']",
    );
    const lacking = await make('deploy', { cwd: dir });
    expect(lacking.code).not.toBe(0);
    expect(lacking.err).toMatch(
      /lacks what local needs, so nothing was applied:\n {2}aws-load-balancer-controller: no/,
    );
    expect(await exists()).toBe(false);
  });

  it('that is interrupted says what was applied, and another run goes on to the end', async () => {
    const run = start('make', ['deploy', 'ENV=local']);
    await waitFor('the first files', () => run.said().includes('10-network-policies'), 120_000);
    run.interrupt();
    const cut = await run.ended;
    expect(cut.code).not.toBe(0);
    expect(cut.err).toMatch(/Interrupted\. Applied so far: 00-namespace, 10-network-policies.*make deploy ENV=local/);
    expect(cut.err).not.toContain('70-monitoring');

    const { code, out, err } = await make('deploy');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`slipway runs after`);
    expect(out).toContain(`http://localhost:${local.loadBalancer.nodePort}`);
    expect((await webPods()).filter(isReady).length).toBeGreaterThanOrEqual(local.scaling.minReplicas);
    await waitFor('a session', sessionAnswers, 30_000);
  });

  it('a second time changes nothing', async () => {
    const before = await snapshot();
    const begun = Date.now();
    const { code, out } = await make('deploy');
    const seconds = (Date.now() - begun) / 1000;
    expect(code).toBe(0);
    expect(out).not.toMatch(/created|waiting/);
    expect(await snapshot()).toEqual(before);
    console.log(`second make deploy: ${seconds} s`);
  });

  it('with a bad setting fails with the words of the pod, and the old pods go on answering', async () => {
    const { dir } = variant('config/service-settings.ts', "LOG_LEVEL: 'info'", "LOG_LEVEL: 'loud'");
    const { code, err } = await make('deploy', { cwd: dir });
    expect(code).not.toBe(0);
    expect(err).toMatch(/deployment slipway failed: .*\n {2}pod slipway-\S+: slipway ended with 1:\n[\s\S]*LOG_LEVEL/);
    await waitFor('a session', sessionAnswers, 30_000);
  });

  it('with an image that does not exist fails naming pod and image', async () => {
    const { dir } = variant('config/images.json', '"tag": "v1.8.0"', '"tag": "v0.0.0-none"');
    const { code, err } = await make('deploy', { cwd: dir });
    expect(code).not.toBe(0);
    expect(err).toMatch(/pod s3-0 failed: its image cannot be had/);
    expect(err).toMatch(/pod s3-0: s3: (ErrImagePull|ImagePullBackOff)/);
  });

  it('with code that does not start fails in the build, and applies nothing', async () => {
    const before = await snapshot();
    const settings = "import { loadSettings, SettingsError } from './settings.ts';";
    const { dir } = variant('service/main.ts', settings, `${settings}\nthrow new Error('broken');`);
    const { code, err, out } = await make('deploy', { cwd: dir });
    expect(code).not.toBe(0);
    expect(err).toMatch(/docker build .* ended with exit code \d+/);
    expect(err).toContain('broken');
    expect(out).not.toContain('Applying');
    expect(await snapshot()).toEqual(before);
  });

  it('with another scaling profile takes over the pods that run, and leaves no HPA behind', async () => {
    const responsive = "scaling: { profile: 'responsive', minReplicas: 2, maxReplicas: 6, windowPercent: 10 }";
    const fixed = "scaling: { profile: 'none', minReplicas: 3, maxReplicas: 3 }";
    const { dir } = variant('config/local.ts', responsive, fixed);
    const scalers = () => kubectl(['get', 'hpa', '--namespace', namespace, '--output=name']);
    const kept = async () =>
      (await webPods()).filter(({ metadata }) => metadata.deletionTimestamp === undefined).length;
    expect(await make('deploy', { cwd: dir })).toMatchObject({ code: 0, err: '' });
    expect(await scalers()).toBe('');
    expect(await kept()).toBe(3);

    const run = start('make', ['deploy', 'ENV=local']);
    const counts: number[] = [];
    let ended = false;
    void run.ended.then(() => {
      ended = true;
    });
    await waitFor('the deployment', async () => counts.push(await kept()) > 0 && ended, 300_000, 200);
    expect((await run.ended).code).toBe(0);
    expect(await scalers()).toBe(`horizontalpodautoscaler.autoscaling/${local.service.name}\n`);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(2);
  });

  it('after all that puts everything right again', async () => {
    const { code, err } = await make('deploy');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    await waitFor('a session', sessionAnswers, 30_000);
  });
});

describe('make undeploy ENV=local', () => {
  it('removes everything, and is content when nothing is left', async () => {
    const first = await make('undeploy');
    expect({ code: first.code, exists: await exists() }).toEqual({ code: 0, exists: false });
    expect(first.out).toContain('namespace "slipway" deleted');
    const second = await make('undeploy');
    expect({ code: second.code, err: second.err }).toEqual({ code: 0, err: '' });
  });
});

describe('kubectl apply of the folder', () => {
  it('is all that it takes, without any of our commands', async () => {
    await kubectl(['apply', '--filename', 'charts-out/local']);
    await kubectl(['--namespace', namespace, 'rollout', 'status', 'deployment/slipway', '--timeout=120s']);
    await waitFor('a session', sessionAnswers, 30_000);
  });
});
