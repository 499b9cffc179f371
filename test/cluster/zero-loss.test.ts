// Rollouts under load through the stand-in load balancer lose no request, and what each part of that is worth.
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Images } from '../../config/images.ts';
import { production } from '../../config/production.ts';
import { settingsSchema } from '../../service/settings.ts';
import { waitFor } from '../support/wait.ts';
import { webPodsIn } from './support/api.ts';
import { derivedImage } from './support/derived-image.ts';
import { type Load, type LoadReport, startLoad } from './support/load.ts';
import { type LoadBalancer, startLoadBalancer } from './support/load-balancer.ts';
import { type Controller, gate, startController } from './support/load-balancer-controller.ts';
import { loadBalancerCost } from './support/load-balancer-cost.ts';
import { answeredMore, rollOut } from './support/rollout.ts';
import { type SlowUpload, slowUpload } from './support/slow-upload.ts';
import { applyVersion, noDrainPath, type Version } from './support/versions.ts';
import { type ClusterWorld, createWorld, localVariant } from './support/world.ts';
import { type Overhead, type Rollout, zeroLossPage } from './support/zero-loss-report.ts';

const full = process.env.FULL === '1';
const replicas = 2;
const uploadSeconds = 30;
const pace = { connections: 60, requestsPerSecond: 250 };
const promisedPerSecond = 200;
const promisedRequests = 20_000;
/** A rollout that is slow on a busy machine has failed nothing. */
const progressDeadlineSeconds = 200;
jest.setTimeout(300_000);

const site = { name: 'test-zero-loss', nodePort: 30_103 };
const environmentOf = (poolSize?: number) =>
  localVariant({
    ...site,
    change: ({ database, ...values }) => ({
      ...values,
      scaling: { profile: 'none', minReplicas: replicas, maxReplicas: replicas },
      rollout: { ...values.rollout, progressDeadlineSeconds },
      database: { ...database, poolSize: poolSize ?? database.poolSize },
    }),
  });
const environment = environmentOf();
const { preStopSeconds } = environment.loadBalancer;
const settleSeconds = settingsSchema.shape.DRAIN_SETTLE_SECONDS.parse(undefined);
const { intervalSeconds } = production.loadBalancer.healthCheck;
const { deregistrationDelaySeconds } = environment.derived;
const balancerOptions = { intervalSeconds, deregistrationDelaySeconds };

const quick = { registerMs: 2000, deregisterMs: 2000 };
const slow = { registerMs: 12_000, deregisterMs: 2000 };
/** The longest that preStop and drain cover when nothing is asked meanwhile, less a second. */
const lull = { registerMs: 2000, deregisterMs: (preStopSeconds + settleSeconds - 1) * 1000 };
const lullMs = (settleSeconds + 1.5) * 1000;

let world: ClusterWorld;
let balancer: LoadBalancer;
let controller: Controller;
let otherImage: Images;
let key: string;
let load: Load;
let whenDeleted: () => void = () => undefined;

const rollouts: Rollout[] = [];
const controls: (Rollout & { conclusion: string })[] = [];
let total: LoadReport | undefined;
let resent: number;
let overhead: Overhead | undefined;

/** Makes this the running version. */
async function run(version: Version): Promise<void> {
  await applyVersion(version, environmentOf);
  await world.kubectl(
    'rollout',
    'status',
    `deployment/${environment.service.name}`,
    `--timeout=${progressDeadlineSeconds}s`,
  );
}

/** Begins once a new pod starts, so that it is under way when the old ones end. */
async function uploadMeanwhile(): Promise<SlowUpload> {
  await waitFor('a new pod', () => controller.pods().length > replicas, 60_000);
  return slowUpload(balancer, key, uploadSeconds);
}

async function beginLoad(): Promise<void> {
  const paths = ['/session', '/session', '/session', '/files'];
  load = startLoad({ url: balancer.url, paths, headers: { 'X-API-Key': key }, ...pace });
  await answeredMore(load, 500);
}

async function measure(what: string, to: Version, upload?: Promise<SlowUpload>): Promise<Rollout> {
  upload?.catch(() => undefined); // whoever awaits it hears of it
  const rollout = await rollOut({ what, load, controller, replicas, start: () => run(to), upload });
  process.stdout.write(`${JSON.stringify(rollout)}\n`);
  return rollout;
}

beforeAll(async () => {
  const noDrain = readFileSync(join(__dirname, '..', 'support', 'no-drain.mjs'), 'utf8');
  otherImage = derivedImage('zero-loss', { [noDrainPath]: noDrain });
  world = await createWorld(site);
  balancer = await startLoadBalancer(balancerOptions);
  controller = startController({
    namespace: world.namespace,
    selector: 'app.kubernetes.io/component=web',
    port: environment.service.httpPort,
    balancer,
    delays: quick,
    deleted: () => whenDeleted(),
  });
  await run({ poolSize: 8 });
  key = await world.adminKey();
});

afterAll(async () => {
  controller?.stop();
  await balancer?.stop();
  await world?.end();
});

describe('a rollout under load', () => {
  beforeAll(beginLoad);
  afterAll(() => load?.end());

  const all = [
    { what: 'a setting is changed', delays: quick, version: { poolSize: 7 }, withUpload: true },
    { what: 'the image is changed, registration is slow', delays: slow, version: { poolSize: 7, other: true } },
    { what: 'a setting is changed, registration is slow', delays: slow, version: { poolSize: 6, other: true } },
    { what: 'the image is changed', delays: quick, version: { poolSize: 6 }, withUpload: true },
    { what: 'a setting is changed again', delays: quick, version: { poolSize: 8 }, withUpload: true },
  ];
  it.each(full ? all : all.slice(0, 2))('loses no request: $what', async ({ what, delays, version, withUpload }) => {
    const { poolSize, other } = { other: false, ...version };
    controller.delays = delays;
    const upload = withUpload ? uploadMeanwhile() : undefined;
    const rollout = await measure(what, other ? { poolSize, images: otherImage } : { poolSize }, upload);
    rollouts.push(rollout);
    expect(rollout).toMatchObject({ failed: 0, reasons: {} });
    expect(rollout.requestsPerSecond).toBeGreaterThanOrEqual(promisedPerSecond);
    if (upload === undefined) return;
    const { outlivedMs, ...file } = await upload;
    expect(file).toEqual({ status: 201, fault: '', intact: true });
    // Beyond preStop: it is the drain that it survived.
    expect(outlivedMs).toBeGreaterThan(preStopSeconds * 1000 - delays.deregisterMs + 1000);
  });

  it('keeps every connection and every session, behind the readiness gate', async () => {
    if (full) {
      const enough = async () => (await load.report()).requests >= promisedRequests;
      await waitFor(`${promisedRequests} requests`, enough, 120_000);
    }
    total = await load.report();
    expect(total).toMatchObject({ failed: 0, failures: [], opened: pace.connections });
    expect(total.instances).toBeGreaterThanOrEqual(replicas * (1 + rollouts.length));
    const { counters } = await balancer.view();
    expect(counters).toMatchObject({ balancer: {}, cuts: 0, clientAborts: 0 });
    resent = counters.resent;
    const gates = (await webPodsIn(world.namespace)).map(
      ({ status }) => status.conditions?.find(({ type }) => type === gate)?.status,
    );
    expect(gates).toEqual(Array(replicas).fill('True'));
    expect(controller.faults).toEqual([]);
  });
});

it('what the stand-in costs is measured at the pace of the load', async () => {
  const { host, port } = (await balancer.view()).targets[0] as { host: string; port: number };
  overhead = await loadBalancerCost(`${host}:${port}`, pace, balancerOptions, full ? 3 : 1);
  expect(overhead.requestsPerSecond).toBeGreaterThanOrEqual(pace.requestsPerSecond * 0.75);
  expect(overhead.requestsPerSecond).toBeLessThanOrEqual(pace.requestsPerSecond * 1.05);
});

// Each begins with the version at which the one before it ended.
describe('what each part is worth', () => {
  beforeEach(async () => {
    controller.delays = quick;
    await beginLoad();
  });
  afterEach(async () => {
    whenDeleted = () => undefined;
    await load?.end();
  });

  const withLull = () => {
    controller.delays = lull;
    whenDeleted = () => load.pause(lullMs);
  };

  it('with all of them, a lull and a slow deregistration lose no request', async () => {
    withLull();
    const rollout = await measure('all parts, a lull', { poolSize: 8, without: 'preStop' });
    controls.push({ ...rollout, conclusion: 'preStop and drain together cover it' });
    expect(rollout.failed).toBe(0);
  });

  it('without preStop they do', async () => {
    if (full) {
      const rollout = await measure('without preStop', { poolSize: 7, without: 'preStop' });
      const conclusion =
        rollout.failed > 0
          ? 'some arrive after the pod has gone'
          : 'could not be made to lose one under steady load: the drain answers on until it is quiet';
      controls.push({ ...rollout, conclusion });
    }
    withLull();
    const rollout = await measure('without preStop, a lull', { poolSize: 8, images: otherImage, without: 'drain' });
    const conclusion = 'a pod that has been quiet for the settle time is gone before it is deregistered';
    controls.push({ ...rollout, conclusion });
    expect(rollout.failed).toBeGreaterThan(0);
  });

  it('without the drain an upload is lost', async () => {
    const upload = uploadMeanwhile();
    const rollout = await measure('without the drain', { poolSize: 8 }, upload);
    const { status } = await upload;
    const { requests, failed } = rollout;
    const conclusion = 'the 30 s upload in flight is cut';
    // The upload is not one of the load's.
    controls.push({ ...rollout, requests: requests + 1, failed: failed + (status === 201 ? 0 : 1), conclusion });
    expect(status).not.toBe(201);
  });

  it('without the gate and with slow registration requests meet no pod', async () => {
    controller.delays = slow;
    const rollout = await measure('without the gate, registration is slow', { poolSize: 8, without: 'gate' });
    controls.push({ ...rollout, conclusion: 'the old pods end before the new ones are registered' });
    expect(rollout.failed).toBeGreaterThan(0);
  });
});

it('is written down', async () => {
  if (total === undefined) throw new Error('nothing was measured');
  const { gitVersion } = JSON.parse(await world.kubectl('get', '--raw', '/version')) as { gitVersion: string };
  const date = new Date().toISOString().slice(0, 10);
  const on = `${date}, Kubernetes ${gitVersion}, ${availableParallelism()} cores for everything, Node ${process.versions.node}`;
  const numbers = { ...total, resent, rollouts, controls, overhead };
  const times = { intervalSeconds, preStopSeconds, settleSeconds, deregistrationDelaySeconds };
  const page = zeroLossPage({ on, replicas, connections: pace.connections, ...numbers, ...times });
  process.stdout.write(`${page}\n`);
  const promised = [...rollouts, controls[0]].every((rollout) => rollout?.failed === 0);
  const shown = controls.length === 5 && controls.slice(2).every(({ failed }) => failed > 0);
  if (full && promised && shown) writeFileSync(join(__dirname, '..', '..', 'docs', 'zero-loss.md'), page);
});
