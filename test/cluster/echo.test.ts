import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Chart } from 'cdk8s';
import { type Manifest, render } from '../../k8s/synth.ts';
import { podsIn } from './support/api.ts';
import { echo, nodePort } from './support/echo-service.ts';
import { get, isReady, type KubeObject, kubectl } from './support/kubectl.ts';
import { waitFor } from './support/wait.ts';

const namespace = 'test-echo';
const image = 'echo:test';
const url = `http://127.0.0.1:${nodePort}`;

const program = `
const { createServer } = require('node:http');
const { hostname } = require('node:os');
const answer = ({ url }, response) => response.end(JSON.stringify({ path: url, greeting: process.env.GREETING, instance: hostname() }));
const server = createServer(answer).listen(8000);
const metrics = createServer((_, response) => response.end('echo_up 1\\n')).listen(9000);
process.on('SIGTERM', () => { server.close(); metrics.close(); });`;

/** An image of its own: Node, which the service's image brings, and one program. */
function buildImage(): void {
  const dockerfile = `FROM slipway:dev\nENTRYPOINT ${JSON.stringify(['node', '-e', program])}\n`;
  const options = { input: dockerfile, stdio: 'pipe', timeout: 120_000 } as const;
  execFileSync('docker', ['build', '--tag', image, '-'], options);
  const context = execFileSync('kubectl', ['config', 'current-context'], { encoding: 'utf8' }).trim();
  execFileSync('kind', ['load', 'docker-image', image, '--name', context.replace(/^kind-/, '')], { stdio: 'pipe' });
}

function manifests(greeting: string): Manifest[] {
  const chart = new Chart(new App(), 'chart', { disableResourceNameHashes: true });
  echo(chart, { image, greeting });
  return chart.toJson() as Manifest[];
}

const apply = (greeting: string) =>
  kubectl(['apply', '--server-side', '--validate=strict', '--filename=-'], render(manifests(greeting)));
const rolledOut = () => kubectl(['--namespace', namespace, 'rollout', 'status', 'deployment/echo', '--timeout=170s']);
const ask = async (path: string) =>
  (await (await fetch(`${url}${path}`, { headers: { Connection: 'close' } })).json()) as Record<string, string>;

beforeAll(async () => {
  await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--timeout=60s']);
  buildImage();
  await kubectl(['create', 'namespace', namespace]);
  await kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted']);
  await apply('hello');
  await rolledOut();
});
afterAll(() => kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']));

it('a second service takes at most 25 lines of settings', () => {
  const source = readFileSync(join(__dirname, 'support', 'echo-service.ts'), 'utf8');
  const own = source.split('\n').filter((line) => line !== '' && !/^(import|\/\/)/.test(line));
  expect(own.length).toBeLessThanOrEqual(25);
});

it('nothing of the first service is in its manifests', () => {
  const text = render(manifests('hello'));
  expect(text).toContain('name: echo');
  expect(text).not.toMatch(/slipway/i);
});

it('the HPA brings it to its least number of replicas, which answer on each path that the Ingress names', async () => {
  const ready = async () => {
    return (await podsIn(namespace)).filter(isReady).map(({ metadata }) => metadata.name);
  };
  await waitFor('two replicas', async () => (await ready()).length === 2, 60_000);
  const replicas = await ready();
  const seen = new Set<string>();
  const ofEach = async () => {
    const { instance = '' } = await ask('/');
    return seen.add(instance).size === 2;
  };
  await waitFor('an answer of each', ofEach, 60_000, 200);
  expect([...seen].sort()).toEqual([...replicas].sort());

  const ingress = await get<IngressWithRules>('ingress', 'echo', '--namespace', namespace);
  const paths = ingress.spec.rules.flatMap(({ http }) => http.paths.map(({ path }) => path));
  expect(paths).toEqual(['/echo', '/also']);
  for (const path of paths)
    expect(await ask(`${path}/there`)).toMatchObject({ path: `${path}/there`, greeting: 'hello' });
});

interface IngressWithRules extends KubeObject {
  spec: { rules: { http: { paths: { path: string }[] } }[] };
}

it('its scaling profile is kept as it was given, tolerances included', async () => {
  const { spec } = await get<{ spec: unknown } & KubeObject>('hpa', 'echo', '--namespace', namespace);
  expect(spec).toMatchObject({
    minReplicas: 2,
    maxReplicas: 4,
    behavior: {
      scaleUp: { tolerance: '0', stabilizationWindowSeconds: 120 },
      scaleDown: { tolerance: '400m', stabilizationWindowSeconds: 300 },
    },
  });
});

it('a changed setting reaches every replica by a rollout, and an unchanged one rolls nothing', async () => {
  const version = async () => (await get('deployment', 'echo', '--namespace', namespace)).metadata.generation as number;
  const before = await version();
  await apply('hello');
  expect(await version()).toBe(before);

  await apply('good day');
  expect(await version()).toBe(before + 1);
  await rolledOut();
  await waitFor(
    'the old replicas to be gone',
    async () => {
      const pods = await podsIn(namespace);
      return pods.length === 2 && pods.every(isReady);
    },
    60_000,
  );
  // A node may send to a pod that is gone for a moment longer.
  const all = async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask('/')));
    return answers.every(({ greeting }) => greeting === 'good day');
  };
  await waitFor('the new greeting', all, 60_000);
});
