// What the service does while Redis or PostgreSQL is away, and when it is back: data and pods are the same as before.
import { createHash, randomBytes } from 'node:crypto';
import { ask, SessionClient } from '../support/client.ts';
import { waitFor } from '../support/wait.ts';
import { isReady } from './support/kubectl.ts';
import { type Sample, type SteadyLoad, sample, steadyLoad } from './support/steady-load.ts';
import { type ClusterWorld, createWorld } from './support/world.ts';

/** A refusal is quick: 300 ms are promised, measured here through two processes that share the machine. */
const refusedWithinMs = 1500;
/** From the store being ready to the service using it again: 5 s are promised, and the kube-proxy takes its second. */
const recoveredWithinMs = 8000;

let world: ClusterWorld;
let key: { 'X-API-Key': string };
let file: { url: string; sha256: string };
const client = new SessionClient();

beforeAll(async () => {
  world = await createWorld({
    name: 'test-faults-stores',
    nodePort: 30_121,
    change: (values) => ({
      ...values,
      scaling: { profile: 'none', minReplicas: 2, maxReplicas: 2 },
    }),
  });
  await world.apply();
  await world.ready();
  key = { 'X-API-Key': await world.adminKey() };
  const bytes = randomBytes(100_000);
  const { status, body } = await ask(`${world.url}/upload`, {
    method: 'POST',
    headers: {
      ...key,
      'Content-Type': 'application/octet-stream',
      'Content-Disposition': 'attachment; filename="kept"',
    },
    body: bytes,
  });
  expect(status).toBe(201);
  file = {
    url: `${world.url}${new URL((body as { url: string }).url, world.url).pathname}`,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
});
afterAll(() => world?.end());

const sessions = () => sample(`${world.url}/session`);
const files = () => sample(`${world.url}/files`, key);
const refused = ({ status }: Sample) => status === 503;

/** Ten good answers in a row, by which both replicas have given some. */
async function recovered(what: string, once: () => Promise<Sample>): Promise<void> {
  let good = 0;
  await waitFor(
    what,
    async () => {
      good = (await once()).status === 200 ? good + 1 : 0;
      return good === 10;
    },
    recoveredWithinMs,
  );
}

async function health(): Promise<{ status: number; dependencies: Record<string, { state: string }> }> {
  const { status, body } = await ask(`${world.url}/health`);
  return { status, dependencies: (body as { dependencies: Record<string, { state: string }> }).dependencies };
}

/** Pods of the service by id, with restarts: equal before and after when none was replaced or restarted. */
const pods = async () =>
  (await world.pods()).map((pod) => ({
    uid: pod.metadata.uid,
    ready: isReady(pod),
    restarts: pod.status.containerStatuses?.[0]?.restartCount,
  }));

const download = async () => {
  const response = await fetch(file.url, { headers: key });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, sha256: createHash('sha256').update(bytes).digest('hex') };
};

async function scale(store: string, replicas: 0 | 1): Promise<void> {
  await world.kubectl('scale', `statefulset/${store}`, `--replicas=${replicas}`);
  if (replicas === 1) await world.kubectl('rollout', 'status', `statefulset/${store}`, '--timeout=90s');
  else await world.kubectl('wait', '--for=delete', `pod/${store}-0`, '--timeout=60s');
}

/** Deletes the pod of a store while `url` is asked for. @returns the samples, and when the store was ready again */
async function deletePod(store: string, load: SteadyLoad): Promise<{ samples: Sample[]; readyAt: number }> {
  await waitFor('the load', () => load.since(0).length > 4);
  await world.kubectl('delete', 'pod', `${store}-0`, '--wait=true');
  await world.kubectl('rollout', 'status', `statefulset/${store}`, '--timeout=90s');
  const readyAt = Date.now();
  await waitFor('ten good answers in a row', () => {
    const last = load.since(readyAt).slice(-10);
    return last.length === 10 && last.every(({ status }) => status === 200);
  });
  return { samples: await load.stop(), readyAt };
}

describe('without Redis', () => {
  it('sessions are refused with Retry-After, key routes and health go on, no pod is taken out', async () => {
    const before = await pods();
    await scale('redis', 0);
    try {
      for (let count = 0; count < 10; count++) {
        const answer = await sessions();
        expect(answer).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^\d+$/) });
        expect(answer.tookMs).toBeLessThan(refusedWithinMs);
        expect(await files()).toMatchObject({ status: 200 });
      }
      expect(await download()).toEqual({ status: 200, sha256: file.sha256 });
      expect(await health()).toMatchObject({ status: 200, dependencies: { redis: { state: 'down' } } });
      expect(await pods()).toEqual(before);
    } finally {
      await scale('redis', 1);
    }
    await recovered('sessions', sessions);
  });

  it('a deleted pod comes back with its sessions, and the service uses it again by itself', async () => {
    const before = await pods();
    const views = (await client.view(world.url)).body.views;
    const { samples, readyAt } = await deletePod('redis', steadyLoad(`${world.url}/session`));

    const bad = samples.filter(({ status }) => status !== 200);
    expect(bad.filter((each) => !refused(each))).toEqual([]);
    expect(bad.filter(({ retryAfter }) => retryAfter === undefined)).toEqual([]);
    expect(Math.max(readyAt, ...bad.map(({ sentAt }) => sentAt)) - readyAt).toBeLessThan(recoveredWithinMs);
    expect((await client.view(world.url)).body.views).toBe(views + 1);
    expect(await pods()).toEqual(before);
    console.log(`redis deleted: ${bad.length} of ${samples.length} refused`);
  });
});

describe('without PostgreSQL', () => {
  it('key routes are refused with Retry-After, sessions and health go on, no pod is taken out', async () => {
    const before = await pods();
    await scale('postgres', 0);
    try {
      for (let count = 0; count < 10; count++) {
        expect(await files()).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^\d+$/) });
        expect(await sessions()).toMatchObject({ status: 200 });
      }
      expect(await health()).toMatchObject({ status: 200, dependencies: { postgres: { state: 'down' } } });
      expect(await pods()).toEqual(before);
    } finally {
      await scale('postgres', 1);
    }
    await recovered('files', files);
  });

  it('a deleted pod comes back with keys and files, sessions never fail, and no pod is restarted', async () => {
    const before = await pods();
    const { samples } = await deletePod('postgres', steadyLoad(`${world.url}/session`));
    await recovered('files', files);
    expect(samples.filter(({ status }) => status !== 200)).toEqual([]);
    expect(await download()).toEqual({ status: 200, sha256: file.sha256 });
    expect(await pods()).toEqual(before);
  });
});
