// What becomes of a replica that dies or hangs, and of the requests meanwhile.
import { waitFor } from '../support/wait.ts';
import { isReady, type Pod } from './support/kubectl.ts';
import { blockForEver, killByKernel } from './support/main-process.ts';
import { failures, longestGapMs, type Sample, type SteadyLoad, steadyLoad } from './support/steady-load.ts';
import { type ClusterWorld, createWorld } from './support/world.ts';

/** Until the kubelet has seen it and every node has stopped sending there. */
const noticedWithinMs = 5000;
/** Two failed checks of /health, 5 s apart and 2 s long, and margin. */
const takenOutWithinMs = 25_000;
/** Three failed checks of /live, 10 s apart and 2 s long, 10 s for the process to end, and margin. */
const restartedWithinMs = 60_000;
/** With the same odds for either replica, chance leaves no such gap if one of them always answers. */
const noGapMs = 4000;

let world: ClusterWorld;
let load: SteadyLoad;
beforeAll(async () => {
  world = await createWorld({
    name: 'test-faults-pods',
    nodePort: 30_120,
    // Two replicas throughout: what one of them does must show.
    change: (values) => ({
      ...values,
      scaling: { profile: 'none', minReplicas: 2, maxReplicas: 2 },
    }),
  });
  await world.apply();
  await world.ready();
});
beforeEach(async () => {
  await world.ready();
  load = steadyLoad(`${world.url}/session`);
  await waitFor('both replicas to answer', () => answering().size === 2);
});
afterEach(() => load?.stop());
afterAll(() => world?.end());

const answering = (since = 0) =>
  new Set(load.since(since).flatMap(({ instance, status }) => (status === 200 && instance ? [instance] : [])));

const victim = async () => (await world.pods())[0] as Pod;
const same = async ({ metadata: { uid } }: Pod) =>
  (await world.pods()).find(({ metadata }) => metadata.uid === uid) as Pod;
const restarts = ({ status }: Pod) => status.containerStatuses?.[0]?.restartCount ?? 0;
const ending = ({ status }: Pod) => status.containerStatuses?.[0]?.lastState?.terminated;
/** The count may be seen a moment before how the last container ended. */
const restarted = (pod: Pod, before: number) => restarts(pod) === before + 1 && ending(pod) !== undefined;

/** How many requests failed, and how long after the fault the last of them began. */
const cost = (samples: readonly Sample[], faultAt: number) => {
  const lost = failures(samples);
  const lastMs = Math.max(faultAt, ...lost.map(({ sentAt }) => sentAt)) - faultAt;
  return { lastMs, text: `${lost.length} of ${samples.length} failed, the last ${lastMs} ms after it` };
};

async function bothAnswerAgain(): Promise<void> {
  const from = Date.now();
  await waitFor('both replicas to answer again', () => answering(from).size === 2);
}

it('a replica whose process is killed is started again in place, and the other one answers meanwhile', async () => {
  const pod = await victim();
  const before = restarts(pod);
  await killByKernel(pod);
  await waitFor('the restart', async () => restarted(await same(pod), before), 30_000);
  await waitFor('readiness', async () => isReady(await same(pod)), 30_000);
  const end = ending(await same(pod));
  expect(end).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
  const killedAt = Date.parse(end?.finishedAt ?? '');
  await bothAnswerAgain();

  const samples = await load.stop();
  const { lastMs, text } = cost(samples, killedAt);
  expect(longestGapMs(samples)).toBeLessThan(noGapMs);
  // Those that went to it: the other replica refused none.
  expect(failures(samples).filter(({ instance, status }) => instance ?? status)).toEqual([]);
  expect(lastMs).toBeLessThan(noticedWithinMs);
  console.log(`killed: ${text}`);
});

it('a replica that is removed without warning is replaced, and the other one answers meanwhile', async () => {
  const pod = await victim();
  const removedAt = Date.now();
  await world.kubectl('delete', 'pod', pod.metadata.name, '--grace-period=0', '--force');
  await waitFor(
    'two ready pods without it',
    async () => {
      const pods = await world.pods();
      return pods.every(({ metadata }) => metadata.uid !== pod.metadata.uid) && pods.filter(isReady).length === 2;
    },
    60_000,
  );
  await bothAnswerAgain();

  const samples = await load.stop();
  expect(longestGapMs(samples)).toBeLessThan(noGapMs);
  const { lastMs, text } = cost(samples, removedAt);
  expect(lastMs).toBeLessThan(noticedWithinMs);
  console.log(`removed: ${text}`);
});

it('a replica whose event loop is blocked is taken out by readiness, then restarted by liveness', async () => {
  const pod = await victim();
  const before = restarts(pod);
  const blockedAt = Date.now();
  await blockForEver(pod);

  await waitFor('readiness to fail', async () => !isReady(await same(pod)), takenOutWithinMs);
  expect(restarts(await same(pod))).toBe(before);
  const takenOutAt = Date.now() + noticedWithinMs;

  await waitFor('the restart', async () => restarted(await same(pod), before), restartedWithinMs);
  const restartedMs = Date.now() - blockedAt;
  // A stuck process does not hear SIGTERM; it is not left the 50 s of a drain.
  expect(ending(await same(pod))).toMatchObject({ exitCode: 137 });
  expect(restartedMs).toBeLessThan(restartedWithinMs);
  const events = await world.kubectl('events', '--for', `pod/${pod.metadata.name}`);
  expect(events).toContain('failed liveness probe, will be restarted');
  await waitFor('readiness', async () => isReady(await same(pod)), 30_000);
  await bothAnswerAgain();

  const samples = await load.stop();
  expect(failures(samples.filter(({ sentAt }) => sentAt > takenOutAt))).toEqual([]);
  expect(longestGapMs(samples)).toBeLessThan(noGapMs);
  console.log(`blocked: restarted after ${restartedMs} ms, ${cost(samples, blockedAt).text}`);
});
