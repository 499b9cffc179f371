// skaffold.yaml with a real Skaffold, on a copy of the checkout, in the namespace of the local environment. Skaffold is no part of
// this repository: where it is not on the PATH these tests count as skipped.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { local } from '../../config/local.ts';
import type { Manifest } from '../../k8s/synth.ts';
import { onPath } from '../../local/path.ts';
import { type Checkout, copyCheckout, type Running, start } from '../deploy/support/checkout.ts';
import { waitFor } from '../support/wait.ts';
import { get, insistOnNone, kubectl } from './support/kubectl.ts';

const { namespace } = local;
const address = `http://127.0.0.1:${local.loadBalancer.nodePort}`;
const promisedSeconds = 20;
/** Another one in each run: an image that was built before would be found. */
const edited = `again ${Date.now()}`;
/** A machine that does other work meanwhile takes longer; the seconds are printed. FULL=1 holds the promise itself. */
const busyFactor = process.env.FULL === '1' ? 1 : 2;
const withSkaffold = onPath('skaffold') === undefined ? describe.skip : describe;

/** Registries that Skaffold asks gcloud about before each build, where there is one. Source: Skaffold, pkg/skaffold/gcp/auth.go. */
const askedOfGcloud = ['gcr.io', 'us.gcr.io', 'eu.gcr.io', 'asia.gcr.io', 'staging-k8s.gcr.io', 'marketplace.gcr.io'];

/** A copy of Docker's settings that keeps Skaffold from asking: it takes seconds that are not ours. */
function withoutGcloud(): string {
  const mine = process.env.DOCKER_CONFIG || join(homedir(), '.docker');
  const copy = mkdtempSync(join(tmpdir(), 'slipway-docker-'));
  const names = existsSync(mine) ? readdirSync(mine) : [];
  for (const name of names.filter((each) => each !== 'config.json')) symlinkSync(join(mine, name), join(copy, name));
  const config = names.includes('config.json') ? JSON.parse(readFileSync(join(mine, 'config.json'), 'utf8')) : {};
  const credHelpers = { ...config.credHelpers, ...Object.fromEntries(askedOfGcloud.map((each) => [each, ''])) };
  writeFileSync(join(copy, 'config.json'), JSON.stringify({ ...config, credHelpers }), { mode: 0o600 });
  return copy;
}

let dockerConfig: string;
let checkout: Checkout;
let dev: Running | undefined;

const startInCopy = (program: string, ...args: string[]) =>
  start(program, args, {
    cwd: checkout.dir,
    env: { SKAFFOLD_UPDATE_CHECK: 'false', SKAFFOLD_INTERACTIVE: 'false', DOCKER_CONFIG: dockerConfig },
  });

async function succeeds(...args: string[]): Promise<string> {
  const { code, out, err } = await startInCopy('skaffold', ...args).ended;
  if (code !== 0)
    throw new Error(`skaffold ${args.join(' ')} ended with ${code}:\n${out.slice(-3000)}\n${err.slice(-3000)}`);
  return out;
}

/** Resolves when `make dev` has come to rest for the given time; rejects with its last lines when it ends instead. */
async function watching(running: Running, times: number): Promise<void> {
  let ended = false;
  void running.ended.then(() => {
    ended = true;
  });
  const rests = () => running.said().match(/Watching for changes/g)?.length ?? 0;
  await waitFor(`Skaffold to watch (${times})`, () => ended || rests() >= times, 240_000);
  if (ended) throw new Error(`make dev ended:\n${running.said().slice(-3000)}`);
}

const exists = async () => (await kubectl(['get', 'namespace', namespace, '--ignore-not-found'])) !== '';
const remove = () => kubectl(['delete', 'namespace', namespace, '--ignore-not-found']);

/** The answer of the newest code to /live, undefined while nobody answers. */
const live = (url: string) =>
  fetch(`${url}/live`, { headers: { connection: 'close' }, signal: AbortSignal.timeout(2000) }).then(
    (answer) => answer.text(),
    () => undefined,
  );

withSkaffold('skaffold', () => {
  beforeAll(async () => {
    await insistOnNone(namespace);
    checkout = copyCheckout();
    dockerConfig = withoutGcloud();
  });
  afterAll(async () => {
    // Undefined when nothing was begun.
    if (!checkout) return;
    dev?.interrupt();
    await dev?.ended;
    rmSync(dockerConfig, { recursive: true });
    await remove();
    checkout.remove();
  });

  it('render makes the manifests anew, with the image that it tagged', async () => {
    rmSync(join(checkout.dir, 'charts-out/local/60-service.yaml'));
    await succeeds('render', '--output', 'rendered.yaml');
    expect(existsSync(join(checkout.dir, 'charts-out/local/60-service.yaml'))).toBe(true);
    const manifests = parseAllDocuments(readFileSync(join(checkout.dir, 'rendered.yaml'), 'utf8')).map(
      (each) => each.toJS() as Manifest,
    );
    const images = [...JSON.stringify(manifests).matchAll(/"image":"(slipway[^"]*)"/g)].map(([, image]) => image);
    expect(images).toHaveLength(3);
    for (const image of images) expect(image).toMatch(/^slipway:[0-9a-f]{64}$/);
  });

  it('render with the profile redis-ui adds the page for Redis', async () => {
    await succeeds('render', '--profile', 'redis-ui', '--digest-source', 'none', '--output', 'with-redis-ui.yaml');
    const text = readFileSync(join(checkout.dir, 'with-redis-ui.yaml'), 'utf8');
    expect(text).toMatch(/kind: Deployment\n(.*\n){1,10} {2}name: redis-ui\n/);
  });

  it('build and test: the test of the image is that the manifests can be made', async () => {
    await succeeds('build', '--file-output', 'built.json');
    rmSync(join(checkout.dir, 'charts-out/local/50-routing.yaml'));
    await succeeds('test', '--build-artifacts', 'built.json');
    expect(existsSync(join(checkout.dir, 'charts-out/local/50-routing.yaml'))).toBe(true);
    checkout.edit('config/local.ts', 'minReplicas: 2', 'minReplicas: 9');
    await expect(succeeds('test', '--build-artifacts', 'built.json')).rejects.toThrow('minReplicas 9 is more than');
    checkout.edit('config/local.ts', 'minReplicas: 9', 'minReplicas: 2');
  });

  it('run builds, loads and deploys', async () => {
    await succeeds('run', '--profile', 'redis-ui');
    // The node port of a new Service opens a moment after its pods are ready.
    await waitFor('an answer', async () => (await live(address)) === '{"status":"live"}', 30_000);
    // Redis may come up after the service, which connects again within a second or so of it.
    await waitFor('a session', async () => (await fetch(`${address}/session`)).status === 200, 30_000);
    await kubectl(['--namespace', namespace, 'rollout', 'status', 'deployment/redis-ui', '--timeout=60s']);
  });

  it('delete removes all of it', async () => {
    await succeeds('delete');
    // Skaffold does not wait for the namespace to be empty.
    await waitFor('the end of the namespace', async () => !(await exists()), 180_000);
  });

  it(`make dev: an edit of service/ is running within ${promisedSeconds} s (times ${busyFactor} on a busy machine)`, async () => {
    const running = startInCopy('make', 'dev');
    dev = running;
    await watching(running, 1);
    const [, forwarded] =
      /Port forwarding service\/slipway .* -> (http:\/\/127\.0\.0\.1:\d+)/.exec(running.said()) ?? [];
    expect(await live(forwarded as string)).toBe('{"status":"live"}');
    // The HPA adds the second replica a quarter of a minute after the first: that start is none of the edit's.
    const replicas = [
      '--namespace',
      namespace,
      'get',
      'deployment/slipway',
      '--output=jsonpath={.status.readyReplicas}',
    ];
    await waitFor(
      'both replicas',
      async () => (await kubectl(replicas)) === `${local.scaling.minReplicas}`,
      60_000,
      1000,
    );

    const file = 'service/routes/live.get.ts';
    checkout.edit(file, /'live'/g, `'${edited}'`);
    const saidBefore = running.said().length;
    const begun = Date.now();
    await waitFor('the new code', async () => (await live(address)) === `{"status":"${edited}"}`, 120_000);
    const seconds = (Date.now() - begun) / 1000;
    console.log(`edit of service/ to the first answer of the new code: ${seconds} s`);
    if (seconds > promisedSeconds) console.log(running.said().slice(saidBefore));
    expect(seconds).toBeLessThan(promisedSeconds * busyFactor);
  });

  it('make dev: an edit of config/ makes the manifests anew and applies them', async () => {
    const level = () =>
      get<{ data: Record<string, string> }>('configmap', 'slipway', '--namespace', namespace).then(
        ({ data }) => data.LOG_LEVEL,
      );
    await watching(dev as Running, 2);
    expect(await level()).toBe('info');
    checkout.edit('config/service-settings.ts', "LOG_LEVEL: 'info'", "LOG_LEVEL: 'debug'");
    const begun = Date.now();
    await waitFor('the new setting', async () => (await level()) === 'debug', 120_000);
    console.log(`edit of config/ to the new ConfigMap: ${(Date.now() - begun) / 1000} s`);
    expect(readFileSync(join(checkout.dir, 'charts-out/local/60-service.yaml'), 'utf8')).toContain('LOG_LEVEL: debug');
  });

  it('make dev: Ctrl-C removes all of it, also in the middle of a deployment', async () => {
    expect(await exists()).toBe(true);
    dev?.interrupt();
    await dev?.ended;
    expect(await exists()).toBe(false);
  });
});
