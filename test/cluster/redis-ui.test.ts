// The page of the Skaffold profile redis-ui, from its image to a session that it shows.
import { execFileSync } from 'node:child_process';
import { readImages } from '../../config/images.ts';
import { redisUi, redisUiImage, redisUiPort } from '../../k8s/charts/redis-ui.ts';
import { manifestsOf, render } from '../../k8s/synth.ts';
import { type Forward, forward } from './support/forward.ts';
import { kubectl } from './support/kubectl.ts';
import { waitFor } from './support/wait.ts';
import { type ClusterWorld, createWorld } from './support/world.ts';

const image = `${redisUiImage}:test`;
const run = (program: string, ...args: string[]) =>
  execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe', timeout: 300_000 }).trim();

let world: ClusterWorld;
let page: Forward;

beforeAll(async () => {
  run('docker', 'build', '--tag', image, 'k8s/redis-ui');
  const cluster = run('kubectl', 'config', 'current-context').replace(/^kind-/, '');
  run('kind', 'load', 'docker-image', image, '--name', cluster);
  world = await createWorld({ name: 'test-redis-ui', nodePort: 30_116 });
  await world.apply();
  await world.ready();
  const manifests = manifestsOf({ environment: world.environment, images: readImages() }, redisUi);
  const text = render(manifests).replaceAll(`image: ${redisUiImage}\n`, `image: ${image}\n`);
  await kubectl(['apply', '--filename=-'], text);
  await world.kubectl('rollout', 'status', 'deployment/redis-ui', '--timeout=120s');
  page = await forward(world.namespace, 'deployment/redis-ui', redisUiPort);
});
afterAll(async () => {
  await page?.stop();
  await world?.end();
});

it('shows the session that the service keeps in Redis', async () => {
  expect((await fetch(`${world.url}/session`)).status).toBe(200);
  const address = `http://127.0.0.1:${page.port}`;
  const opened = await fetch(address);
  expect(opened.status).toBe(200);
  expect(await opened.text()).toContain('Redis Commander');

  const { bearerToken } = (await (await fetch(`${address}/signin`, { method: 'POST' })).json()) as {
    bearerToken: string;
  };
  const keys = async (): Promise<string> => {
    const answer = await fetch(`${address}/apiv1/keys/R:redis:6379:0/*`, {
      headers: { Authorization: `Bearer ${bearerToken}` },
    });
    return answer.text();
  };
  await waitFor('the key of the session', async () => (await keys()).includes(':session:'), 30_000).catch(
    async (error: Error) => {
      throw new Error(`${error.message}; keys: ${await keys()}`);
    },
  );
});
