// Rollouts that cannot succeed: the old pods go on serving, the cluster says what is wrong, and the way back heals.

import type { Images } from '../../config/images.ts';
import { local } from '../../config/local.ts';
import type { Manifest } from '../../k8s/synth.ts';
import { derivedImage, withTag } from './support/derived-image.ts';
import { isReady, type KubeObject, type Pod } from './support/kubectl.ts';
import { failures, type SteadyLoad, steadyLoad } from './support/steady-load.ts';
import { waitFor } from './support/wait.ts';
import { type ClusterWorld, createWorld } from './support/world.ts';

interface Job extends KubeObject {
  spec: { template: { spec: { containers: [{ image: string; args: string[] }] } } };
  status: { succeeded?: number; active?: number };
}

/** Of rollouts that must fail: with FULL=1 the environment's own. The others are given time, however busy the machine is. */
const deadlineSeconds = process.env.FULL === '1' ? local.rollout.progressDeadlineSeconds : 10;
/** In the image. */
const migrations = '/app/migrations';

let world: ClusterWorld;
let load: SteadyLoad;
let old: string[];
let broken: Images;
let mended: Images;
beforeAll(async () => {
  // Before any load runs here: building blocks this process.
  broken = derivedImage('faults-broken', {
    [`${migrations}/9001_broken.sql`]: 'ALTER TABLE no_such_table ADD COLUMN x text;\n',
  });
  mended = derivedImage('faults-mended', {
    [`${migrations}/9001_mended.sql`]: 'ALTER TABLE keys ADD COLUMN note text;\n',
  });
  world = await createWorld({
    name: 'test-faults-rollouts',
    nodePort: 30_122,
    change: (values) => ({
      ...values,
      scaling: { profile: 'none', minReplicas: 2, maxReplicas: 2 },
    }),
  });
  await world.apply();
  await world.ready();
  await waitFor('the Jobs', async () => (await jobs()).every(({ status }) => status.succeeded === 1), 60_000);
});
beforeEach(async () => {
  // Also after a test that ended midway.
  await world.apply();
  await world.ready();
  old = (await world.pods()).map(({ metadata }) => metadata.uid);
  load = steadyLoad(`${world.url}/session`);
});
afterEach(() => load?.stop());
afterAll(() => world?.end());

async function jobs(): Promise<Job[]> {
  const { items } = JSON.parse(await world.kubectl('get', 'jobs', '--output=json')) as { items: Job[] };
  return items;
}

const isOld = ({ metadata }: Pod) => old.includes(metadata.uid);
const container = ({ status }: Pod) => status.containerStatuses?.[0];

/** The new pod, once `condition` holds for it. */
async function newPod(what: string, condition: (pod: Pod) => boolean): Promise<Pod> {
  let found: Pod | undefined;
  await waitFor(
    what,
    async () => {
      found = (await world.pods()).find((pod) => !isOld(pod) && condition(pod));
      return found !== undefined;
    },
    30_000,
  );
  return found as Pod;
}

/** Resolves with what `kubectl rollout status` says when it fails. */
const rolloutFailure = () =>
  world.kubectl('rollout', 'status', 'deployment/slipway', '--timeout=120s').then(
    (out) => Promise.reject(new Error(`the rollout succeeded: ${out}`)),
    (error: Error) => error.message,
  );

/** The two old pods are there and ready, and no request has failed since the start of the test. */
async function expectOldPodsServe(): Promise<void> {
  const serving = (await world.pods()).filter(isReady);
  expect(serving.map(({ metadata }) => metadata.uid).sort()).toEqual([...old].sort());
  expect(failures(load.since(0))).toEqual([]);
}

/** Ends the load: nothing has failed in the whole test, the way back included. */
async function expectNothingLost(): Promise<void> {
  const samples = await load.stop();
  expect(samples.length).toBeGreaterThan(20);
  expect(failures(samples)).toEqual([]);
}

const withDeadline = (manifest: Manifest): Manifest =>
  manifest.kind === 'Deployment'
    ? { ...manifest, spec: { ...(manifest.spec as object), progressDeadlineSeconds: deadlineSeconds } }
    : manifest;

it('an image that does not exist stops the rollout, is named, and the old charts heal it', async () => {
  await world.apply(withDeadline, withTag('no-such-image'));
  const pod = await newPod('the image to be missed', (each) =>
    /ErrImagePull|ImagePullBackOff/.test(container(each)?.state.waiting?.reason ?? ''),
  );
  expect(container(pod)?.state.waiting?.message).toContain('slipway:no-such-image');
  expect(await rolloutFailure()).toContain('exceeded its progress deadline');
  await expectOldPodsServe();

  await world.apply();
  await world.ready();
  await expectOldPodsServe();
  await expectNothingLost();
  console.log(
    `the rollout failed after ${deadlineSeconds} s; the environment's deadline is ${local.rollout.progressDeadlineSeconds} s`,
  );
});

it('a bad setting is named by the pod, and the old charts heal it', async () => {
  await world.apply((manifest) => {
    if (manifest.kind === 'ConfigMap') return { ...manifest, data: { ...(manifest.data as object), PORT: 'abc' } };
    if (manifest.kind !== 'Deployment') return manifest;
    const spec = structuredClone(withDeadline(manifest).spec) as {
      template: { metadata: { annotations: Record<string, string> } };
    };
    spec.template.metadata.annotations['checksum/settings'] = 'of other settings';
    return { ...manifest, spec };
  });
  const pod = await newPod('the setting to be refused', (each) => container(each)?.lastState?.terminated !== undefined);
  expect(container(pod)?.lastState?.terminated).toMatchObject({
    exitCode: 1,
    message: expect.stringMatching(/^ *PORT must be a whole number/m),
  });
  expect(await world.kubectl('describe', 'pod', pod.metadata.name)).toMatch(/^ +PORT must be a whole number/m);
  // Between two attempts the container before may just have been removed.
  const said = () => world.kubectl('logs', pod.metadata.name, '--previous').catch(() => '');
  await waitFor('the words of the container', async () => /^ *PORT must be a whole number/m.test(await said()), 60_000);
  expect(await rolloutFailure()).toContain('exceeded its progress deadline');
  await expectOldPodsServe();

  await world.apply();
  await world.ready();
  await expectOldPodsServe();
  await expectNothingLost();
});

describe('a migration that fails', () => {
  const jobOf = async (image: string) => {
    const found = (await jobs()).find(({ spec }) => {
      const [{ image: runs, args }] = spec.template.spec.containers;
      return runs === image && args[0] === 'migrate';
    });
    if (found === undefined) throw new Error(`there is no migrate Job of ${image}`);
    return found;
  };

  it('keeps the new pods from getting ready, its Job says why, and the rollout is undone', async () => {
    await world.apply(withDeadline, broken);
    const failed = rolloutFailure();
    const job = (await jobOf('slipway:faults-broken')).metadata.name;
    const jobPods = async () => {
      const selected = await world.kubectl('get', 'pods', `--selector=job-name=${job}`, '--output=json');
      return (JSON.parse(selected) as { items: Pod[] }).items;
    };
    const why = 'migrate failed: relation "no_such_table" does not exist (42P01)';
    const says = (pod: Pod) =>
      [container(pod)?.state, container(pod)?.lastState].some((each) => each?.terminated?.message?.includes(why));
    await waitFor('the Job to say why', async () => (await jobPods()).some(says), 60_000);
    expect((await jobOf('slipway:faults-broken')).status.succeeded).toBeUndefined();

    expect(await failed).toContain('exceeded its progress deadline');
    await expectOldPodsServe();
    const waiting = await newPod('the new pod', () => true);
    expect(isReady(waiting)).toBe(false);
    // It says so every 10 s.
    const saysWhatIsMissing = async () =>
      (await world.kubectl('logs', waiting.metadata.name)).includes('"missing":["9001_broken"]');
    await waitFor('what it waits for', saysWhatIsMissing, 60_000);

    await world.kubectl('rollout', 'undo', 'deployment/slipway');
    await world.ready();
    await expectOldPodsServe();
    await expectNothingLost();
  });

  it('is mended by another image, whose migration is a Job of its own', async () => {
    const before = await jobs();
    await world.apply(undefined, mended);
    await world.ready();
    // The service sees the new schema before Kubernetes sees the end of the Job.
    await waitFor('the Job', async () => (await jobOf('slipway:faults-mended')).status.succeeded === 1, 60_000);
    const after = (await jobs()).map(({ metadata }) => metadata.uid);
    expect(after).toEqual(expect.arrayContaining(before.map(({ metadata }) => metadata.uid)));
    expect((await world.pods()).filter(isOld)).toEqual([]);
    await expectNothingLost();
  });
});
