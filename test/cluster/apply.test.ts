import { readFileSync } from 'node:fs';
import { defineEnvironment, type Environment, valuesOf } from '../../config/environment.ts';
import { environmentNamed } from '../../config/environments.ts';
import { readImages } from '../../config/images.ts';
import { type Manifest, render, synthesize } from '../../k8s/synth.ts';
import { ask, json, SessionClient } from '../support/client.ts';
import { healthWith } from '../support/health-states.ts';
import { sendUpload, sha256 } from '../support/uploads.ts';
import { isReady, type KubeObject, kubectl } from './support/kubectl.ts';
import { waitFor } from './support/wait.ts';
import { type ClusterWorld, createWorld } from './support/world.ts';

const elsewhere = ['test-apply-staging', 'test-apply-production'];
/** An HPA looks every 15 s; what did not move for longer is at rest. */
const restMs = 16_000;

let world: ClusterWorld;
beforeAll(async () => {
  world = await createWorld({ name: 'test-apply', nodePort: 30_101 });
  for (const name of elsewhere) await kubectl(['create', 'namespace', name]).catch(() => undefined);
});
afterAll(async () => {
  await world?.end();
  await kubectl(['delete', 'namespace', '--ignore-not-found', '--wait=false', ...elsewhere]);
});

const manifestsOf = (environment: Environment): Manifest[] =>
  [...synthesize({ environment, images: readImages() }).values()].flat();

/** Has the API server check and default everything as if it came in, and keep nothing of it. */
const dryRun = (manifests: readonly Manifest[]) =>
  kubectl(
    ['apply', '--server-side', '--dry-run=server', '--validate=strict', '--warnings-as-errors', '--filename=-'],
    render(manifests),
  );

const running = ['Pod', 'ReplicaSet', 'Job'];

/** What is in the namespace: another list after each change. Of what runs, a status counts; of the rest, what was asked for. */
async function contents(): Promise<string[]> {
  const kinds =
    'deployments,replicasets,pods,jobs,services,configmaps,secrets,serviceaccounts,networkpolicies,statefulsets,ingresses,poddisruptionbudgets,horizontalpodautoscalers,servicemonitors,prometheusrules,persistentvolumeclaims';
  const { items } = JSON.parse(await world.kubectl('get', kinds, '--output=json')) as {
    items: (KubeObject & { spec?: unknown })[];
  };
  return items
    .map(({ kind, metadata: { name, uid, generation, resourceVersion }, spec }) => {
      const counted = running.includes(kind) ? undefined : generation;
      const asked = kind === 'HorizontalPodAutoscaler' ? JSON.stringify(spec) : resourceVersion;
      return [kind, name, uid, counted ?? asked].join(' ');
    })
    .sort();
}

describe('the strict dry run of the API server', () => {
  it.each(['local', 'staging', 'production'])('accepts every object of %s, custom resources included', async (name) => {
    const namespace = name === 'local' ? world.namespace : `test-apply-${name}`;
    if (name === 'local') await kubectl(['create', 'namespace', namespace]);
    const environment =
      name === 'local' ? world.environment : defineEnvironment({ ...valuesOf(environmentNamed(name)), namespace });
    const manifests = manifestsOf(environment);
    const accepted = (await dryRun(manifests)).trim().split('\n');
    expect(accepted).toHaveLength(manifests.length);
    for (const line of accepted) expect(line).toMatch(/ serverside-applied \(server dry run\)$/);
    const custom = name === 'local' ? ['servicemonitor'] : ['servicemonitor', 'externalsecret', 'secretstore'];
    for (const kind of custom) expect(accepted.join('\n')).toContain(`\n${kind}.`);
    expect((await kubectl(['get', 'all', '--namespace', namespace, '--output=name'])).trim()).toBe('');
  });

  it('refuses a field that the server does not know', async () => {
    const changed = manifestsOf(world.environment).map((manifest) =>
      manifest.kind === 'Deployment' ? { ...manifest, spec: { ...(manifest.spec as object), replica: 2 } } : manifest,
    );
    await expect(dryRun(changed)).rejects.toThrow('.spec.replica: field not declared');
  });
});

describe('the local environment', () => {
  it('is ready within 120 s of nothing', async () => {
    await kubectl(['delete', 'namespace', world.namespace, '--wait']);
    const began = Date.now();
    await world.apply();
    const { minReplicas } = world.environment.scaling;
    const ready = async () => (await world.pods()).filter(isReady).length >= minReplicas;
    await waitFor(`${minReplicas} ready pods`, ready, 120_000, 500);
    // The node port of a new Service opens a moment after its pods are ready.
    await waitFor('an answer', async () => (await ask(`${world.url}/health`)).status === 200, 30_000, 500);
    const seconds = (Date.now() - began) / 1000;
    process.stdout.write(`local: from nothing to ready in ${seconds.toFixed(1)} s\n`);
    expect(seconds).toBeLessThanOrEqual(120);
  });

  it('changes nothing when it is applied again', async () => {
    let before = await contents();
    let since = Date.now();
    await waitFor(
      'rest in the namespace',
      async () => {
        const now = await contents();
        if (now.join() !== before.join()) [before, since] = [now, Date.now()];
        return Date.now() - since > restMs;
      },
      150_000,
      2000,
    );
    await world.apply();
    expect(await contents()).toEqual(before);
  });
});

// With the credentials, the policies and, but for Redis' time-out, the settings of the manifests; test/service runs against pods in jest.cluster-service.config.mjs.
describe('the service at the address of the cluster', () => {
  let admin: Record<string, string>;
  beforeAll(async () => {
    await world.ready();
    admin = { 'X-API-Key': await world.adminKey() };
  });

  it('counts exactly 201 for 201 views, 40 at a time, answered by more than one pod', async () => {
    const client = new SessionClient();
    await client.view(world.url);
    const headers = { Cookie: client.cookie };
    const bodies: { views: number; instance: string }[] = [];
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(Array.from({ length: 40 }, () => ask(`${world.url}/session`, { headers })));
      expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
      bodies.push(...answers.map(({ body }) => body as { views: number; instance: string }));
    }
    expect(bodies.map(({ views }) => views).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 200 }, (_, i) => i + 2),
    );
    const pods = (await world.pods()).map(({ metadata }) => metadata.name);
    const instances = [...new Set(bodies.map(({ instance }) => instance))];
    expect(instances.length).toBeGreaterThan(1);
    expect(pods).toEqual(expect.arrayContaining(instances));
  });

  it('names the user under a new id, and forgets on request', async () => {
    const client = new SessionClient();
    await client.view(world.url);
    expect(await client.send(`${world.url}/session`, json({ user: 'Zoë' }))).toMatchObject({ body: { user: 'Zoë' } });
    expect((await client.view(world.url)).body).toMatchObject({ views: 2, user: 'Zoë' });
    expect((await client.send(`${world.url}/session`, { method: 'DELETE' })).status).toBe(204);
    expect((await client.view(world.url)).body.views).toBe(1);
  });

  it('stores a file, gives back its bytes and a range of it, lists and deletes it', async () => {
    const bytes = Buffer.alloc(3_000_000, 'slipway');
    const { status, body } = await sendUpload(
      world.url,
      { ...admin, 'Content-Disposition': 'attachment; filename="a.bin"' },
      bytes,
    );
    expect([status, body.size, body.sha256]).toEqual([201, bytes.length, sha256(bytes)]);
    const at = `${world.url}${body.url}`;
    const whole = await fetch(at, { headers: admin });
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
    const part = await fetch(at, { headers: { ...admin, Range: 'bytes=7-13' } });
    expect([part.status, await part.text()]).toEqual([206, 'slipway']);
    const list = (await ask(`${world.url}/files`, { headers: admin })).body as { files: { id: string }[] };
    expect(list.files.map(({ id }) => id)).toContain(body.id);
    expect((await ask(at, { method: 'DELETE', headers: admin })).status).toBe(204);
    await waitFor('the 404', async () => (await ask(at, { headers: admin })).status === 404);
  });

  it('opens a route to a key with its scope only, until it is revoked', async () => {
    const made = await ask(`${world.url}/keys`, json({ name: 'test', scopes: ['load'] }, admin));
    const { id, key } = made.body as { id: string; key: string };
    const headers = { 'X-API-Key': key };
    expect(await ask(`${world.url}/load/50`, { headers })).toMatchObject({ status: 200, body: { ms: 50 } });
    expect((await ask(`${world.url}/files`, { headers })).status).toBe(403);
    expect((await ask(`${world.url}/load/50`)).status).toBe(401);
    expect((await ask(`${world.url}/keys/${id}`, { method: 'DELETE', headers: admin })).status).toBe(204);
    await waitFor('the refusal', async () => (await ask(`${world.url}/load/1`, { headers })).status === 401, 5000);
  });

  it('is healthy with every dependency up, and keeps its metrics to itself', async () => {
    const health = await healthWith(world.url, { redis: 'up', postgres: 'up', objects: 'up' });
    expect(health).toMatchObject({ status: 200, body: { status: 'ready' } });
    expect((await ask(`${world.url}/live`)).status).toBe(200);
    expect((await ask(`${world.url}/metrics`)).status).toBe(404);
  });
});

describe('the troubleshooting of docs/kubernetes.md', () => {
  const page = readFileSync('docs/kubernetes.md', 'utf8');
  const [, troubles = ''] = page.split('## Troubleshooting');
  const commands = [...troubles.matchAll(/`kubectl ([^`]+)` \|$/gm)].map(([, command]) => command as string);

  // metrics-server has nothing to say of pods that it has not measured twice.
  beforeAll(() => waitFor('metrics', () => world.kubectl('top', 'pods').then(Boolean, () => false), 90_000, 2000));

  it('has a command for each symptom', () => {
    const symptoms = troubles.split('\n').filter((line) => /^\| (?!symptom|---)/.test(line));
    expect(commands).toHaveLength(symptoms.length);
    expect(commands.length).toBeGreaterThan(9);
  });

  it.each(commands)('kubectl %s', async (command) => {
    const here = command.replace('--namespace slipway', `--namespace ${world.namespace}`);
    expect(await kubectl(here.split(' '))).not.toBe('');
  });
});

describe('the end of the local environment', () => {
  it('leaves nothing when the manifests are deleted', async () => {
    await kubectl(['delete', '--ignore-not-found', '--filename=-'], render(manifestsOf(world.environment)));
    await expect(kubectl(['get', 'namespace', world.namespace])).rejects.toThrow('not found');
    await expect(ask(`${world.url}/live`)).rejects.toThrow();
  });
});
