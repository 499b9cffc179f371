import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { beginUpload, sendUpload, sha256, type UploadAnswer } from '../support/uploads.ts';
import { isReady, type Pod } from './support/kubectl.ts';
import { storeTimeoutMs } from './support/versions.ts';
import { waitFor } from './support/wait.ts';
import { type ClusterWorld, createWorld } from './support/world.ts';

const MiB = 1024 * 1024;
/** More than the memory and the disk of the proxy together. */
const largeBytes = 160 * MiB;
const pieceBytes = 20_000;
const piecesPerSecond = 5;

interface PodWithProxy extends Pod {
  status: Pod['status'] & {
    initContainerStatuses?: { name: string; ready: boolean; restartCount: number }[];
  };
}

let world: ClusterWorld;
let key: string;
beforeAll(async () => {
  world = await createWorld({
    name: 'test-proxy',
    nodePort: 30_112,
    change: (values) => ({
      ...values,
      proxy: true,
      // Both replicas are replaced at the same time; one after the other, an upload to the first would have to last until the second drains.
      rollout: { ...values.rollout, surge: 2 },
      scaling: { profile: 'none', minReplicas: 2, maxReplicas: 2 },
    }),
  });
  // Eight uploads end in the same moment, beside other tests: connecting to PostgreSQL may take its time then, too.
  await world.apply((manifest) =>
    manifest.kind === 'ConfigMap' && manifest.metadata.name === world.environment.service.name
      ? { ...manifest, data: { ...(manifest.data as object), DATABASE_CONNECT_TIMEOUT_MS: `${storeTimeoutMs}` } }
      : manifest,
  );
  await world.ready();
  key = await world.adminKey();
});
afterAll(() => world?.end());

const pods = () => world.pods() as Promise<PodWithProxy[]>;
const rawFile = (bytes: Uint8Array) => ({
  'X-API-Key': key,
  'Content-Disposition': 'attachment; filename=through-the-proxy.bin',
  'Content-Length': `${bytes.length}`,
});
const download = async (id: string, headers: Record<string, string> = {}) =>
  fetch(`${world.url}/files/${id}`, { headers: { 'X-API-Key': key, ...headers } });

/** Containers of the pods that are running, and how often each was started again. */
const restarts = async () =>
  (await pods()).flatMap(({ status }) =>
    [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].map(
      ({ name, restartCount }) => [name, restartCount] as const,
    ),
  );

it('each pod has Nginx beside the service, and what is asked goes through it', async () => {
  expect((await restarts()).sort()).toEqual([
    ['proxy', 0],
    ['proxy', 0],
    ['slipway', 0],
    ['slipway', 0],
  ]);
  const answer = await fetch(`${world.url}/session`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('server')).toBe('nginx');
  const direct = await world.kubectl(
    'exec',
    'deployment/slipway',
    '--container=slipway',
    '--',
    'node',
    '-e',
    "fetch('http://127.0.0.1:3000/session').then((answer) => console.log(answer.status, answer.headers.get('server')))",
  );
  expect(direct.trim()).toBe('200 null');
});

it('answers of the service come through as they are', async () => {
  const answer = await fetch(`${world.url}/nothing-here`, { headers: { 'X-Request-Id': 'through-the-proxy' } });
  expect(answer.status).toBe(404);
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  expect(await answer.json()).toMatchObject({ requestId: 'through-the-proxy' });
});

it('the service sees the client that the load balancer names, whatever the client itself claims', async () => {
  const path = `/${randomUUID()}`;
  // As the load balancer sends it: the client's own claim, then the address that it came from.
  await fetch(`${world.url}${path}`, { headers: { 'X-Forwarded-For': '192.0.2.66, 203.0.113.9' } });
  let event: { client?: string } | undefined;
  await waitFor('its access event', async () => {
    const selector = '--selector=app.kubernetes.io/component=web';
    const lines = await world.kubectl('logs', selector, '--container=slipway', '--tail=-1');
    const found = lines.split('\n').find((line) => line.includes(path));
    event = found === undefined ? undefined : JSON.parse(found);
    return event !== undefined;
  });
  expect(event).toMatchObject({ client: '203.0.113.9' });
});

it('a file larger than the memory and disk of the proxy goes in and comes out', async () => {
  const bytes = randomBytes(largeBytes);
  const { status, body } = await sendUpload(world.url, rawFile(bytes), bytes);
  expect([status, body.sha256]).toEqual([201, sha256(bytes)]);
  const whole = await download(body.id);
  expect(sha256(new Uint8Array(await whole.arrayBuffer()))).toBe(body.sha256);
  const part = await download(body.id, { Range: 'bytes=1000-1999' });
  expect(part.status).toBe(206);
  expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(1000, 2000))).toBe(true);
  expect((await restarts()).filter(([, count]) => count > 0)).toEqual([]);
});

it('the service hears of a body while it is still being sent', async () => {
  const fault = {
    'X-API-Key': 'no-such-key',
    'Content-Disposition': 'attachment; filename=a',
    'Content-Length': '1000000',
  };
  const { request, answer } = beginUpload(world.url, fault);
  request.write(randomBytes(10_000));
  expect((await answer).status).toBe(401);
  request.destroy();
});

it('a request in flight is answered although its pod is asked to end, and the proxy stays until then', async () => {
  const old = await pods();
  const stop = new AbortController();
  // Eight connections over two pods: both have some, but for a chance of 1 in 128.
  const uploads = Array.from({ length: 8 }, () => uploadUntil(stop.signal));
  await world.kubectl('rollout', 'restart', 'deployment/slipway');
  const seen = await Promise.all(old.map(({ metadata }) => seenWhileDraining(metadata.name)));
  stop.abort();
  expect(seen).toEqual(seen.map(() => ({ service: 503, proxied: 200 })));
  expect(await Promise.all(uploads)).toEqual(uploads.map(() => ({ status: 201, intact: true })));

  const { terminationGraceSeconds } = world.environment.derived;
  const names = old.map(({ metadata }) => `pod/${metadata.name}`);
  await world.kubectl('wait', '--for=delete', `--timeout=${terminationGraceSeconds}s`, ...names);
  expect((await pods()).filter(isReady)).toHaveLength(2);
});

/** In a pod: waits until /health says that the service had its SIGTERM, and then asks for /live through the proxy. */
const askWhileDraining = `
const ask = async (url) => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
  return { status: answer.status, phase: (await answer.json().catch(() => ({}))).status };
};
(async () => {
  let health;
  do {
    await new Promise((resolve) => setTimeout(resolve, 100));
    // A pod that is slow to answer is asked again.
    health = await ask('http://127.0.0.1:3000/health').catch(() => undefined);
  } while (health?.phase !== 'draining');
  let proxied;
  do proxied = await ask('http://127.0.0.1:8080/live').catch(() => undefined);
  while (proxied === undefined);
  console.log(JSON.stringify({ service: health.status, proxied: proxied.status }));
})();`;

async function seenWhileDraining(pod: string): Promise<unknown> {
  return JSON.parse(await world.kubectl('exec', pod, '--container=slipway', '--', 'node', '-e', askWhileDraining));
}

/** Sends a file in pieces until it is told to end it. */
async function uploadUntil(stop: AbortSignal): Promise<object> {
  const { 'Content-Length': _, ...headers } = rawFile(new Uint8Array());
  const { request, answer } = beginUpload(world.url, { ...headers, 'Transfer-Encoding': 'chunked' });
  const sent: Buffer[] = [];
  let failed: Error | undefined;
  answer.catch((error: Error) => {
    failed = error;
  });
  while (!stop.aborted && failed === undefined) {
    const piece = randomBytes(pieceBytes);
    sent.push(piece);
    request.write(piece);
    await pause(1000 / piecesPerSecond);
  }
  request.end();
  try {
    const { status, body }: UploadAnswer = await answer;
    return { status, code: body.code, intact: body.sha256 === sha256(Buffer.concat(sent)) };
  } catch (error) {
    return { fault: (error as Error).message };
  }
}
