// The optional ways to scale: memory, the down-policy `cost`, and requests per second served by prometheus-adapter.
import { readImages } from '../../config/images.ts';
import { local } from '../../config/local.ts';
import { type Manifest, synthesize } from '../../k8s/synth.ts';
import { requestRateMetric } from '../../observability/request-rate.ts';
import { autoscalerIn } from './support/api.ts';
import { kubectl } from './support/kubectl.ts';
import { findAdapter, removeAdapter, startAdapter } from './support/metrics-adapter.ts';
import { hasPrometheus } from './support/monitoring-prometheus.ts';
import { failures, type ScalingRun, startRun } from './support/scaling-run.ts';
import { failures as refused, steadyLoad } from './support/steady-load.ts';
import { waitFor } from './support/wait.ts';
import { type ClusterWorld, createWorld, localVariant, type WorldOptions } from './support/world.ts';

const seconds = 1000;
const minutes = 60 * seconds;
const windowPercent = process.env.FULL === '1' ? 100 : 10;
const { monitoringNamespace } = local;
const adapter = findAdapter();
const prometheus = `http://prometheus-operated.${monitoringNamespace}:9090`;
const adapterNamespace = 'test-rate-adapter';
/** Of one replica, in requests per second; the load below wants 4 or 5 of them. */
const perReplica = 5;
const requestsPerSecond = 21;

const options: WorldOptions = {
  name: 'test-rate',
  nodePort: 30_104,
  change: (values) => ({
    ...values,
    scaling: { ...values.scaling, scaleIn: 'cost', memoryPercent: 90, windowPercent },
  }),
};
const withRate = localVariant({
  ...options,
  change: (values) => ({
    ...values,
    scaling: { ...values.scaling, scaleIn: 'cost', windowPercent, requestsPerSecond: perReplica },
    prerequisites: [...values.prerequisites, 'prometheus-adapter'],
  }),
});

let world: ClusterWorld;
let run: ScalingRun;
beforeAll(async () => {
  console.log(`windows of ${windowPercent} % of the profile's; FULL=1 for 100 %`);
  await removeAdapter(adapterNamespace);
  world = await createWorld(options);
  await world.apply();
  await world.ready(170_000);
  run = await startRun(world);
});
afterAll(async () => {
  await removeAdapter(adapterNamespace);
  await run?.end();
  await world?.end();
});

describe('scaling on memory', () => {
  it('is measured against the request beside CPU', async () => {
    const memory = async () => {
      const metrics = (await status()).currentMetrics ?? [];
      return metrics.find((each) => each?.containerResource?.name === 'memory')?.containerResource?.current
        .averageUtilization;
    };
    await waitFor('a measurement of memory', async () => (await memory()) !== undefined, 2 * minutes);
    expect(await memory()).toBeGreaterThan(5);
    expect(await memory()).toBeLessThan(90);
  });
});

describe('scaleIn cost', () => {
  it(
    'removes several pods in one step, where responsive removes one',
    async () => {
      // Wants all six.
      run.pace(360);
      await run.until('six pods', ({ wanted, ready }) => wanted === 6 && ready === wanted, 3 * minutes);
      const from = run.samples.length;
      run.pace(0);
      await run.until('two pods', ({ wanted }) => wanted === 2, 5 * minutes);
      const wanted = run.samples.slice(from).map((sample) => sample.wanted);
      const steps = wanted.slice(1).map((count, index) => (wanted[index] as number) - count);
      console.log(`removed at once: ${steps.filter((step) => step !== 0).join(', ')}`);
      // A measurement that still saw a part of the load may come in between; one by one it would be four steps of 1.
      expect(Math.max(...steps)).toBeGreaterThanOrEqual(2);
      expect(failures(run.answers)).toEqual([]);
    },
    9 * minutes,
  );
});

describe('scaling on requests per second', () => {
  const lacking = [
    ...(adapter === undefined ? ['prometheus-adapter is not on the PATH'] : []),
    ...(hasPrometheus(monitoringNamespace) ? [] : ['this cluster has no Prometheus of the operator']),
  ];
  const unless = lacking.length === 0 ? '' : ` (not here: ${lacking.join(', ')})`;
  (lacking.length === 0 ? it : it.skip)(
    `prometheus-adapter serves the rate by the rules of the charts, and the HPA scales on it${unless}`,
    async () => {
      const manifests = [...synthesize({ environment: withRate, images: readImages() }).values()].flat();
      const rules = manifests.find(({ metadata }) => metadata.name === 'slipway-metrics-adapter') as Manifest;
      const autoscaler = manifests.find(({ kind }) => kind === 'HorizontalPodAutoscaler') as Manifest;
      await startAdapter(adapter as string, adapterNamespace, rules, prometheus);
      const load = steadyLoad(`${world.url}/live`, requestsPerSecond);
      try {
        // Once the minute that the rule looks back over is full, the first decision is exact.
        await waitFor('the whole rate', async () => (await servedRate()) > 0.9 * requestsPerSecond, 3 * minutes);
        const patch = JSON.stringify({ spec: autoscaler.spec });
        await world.kubectl('patch', 'hpa', autoscaler.metadata.name, '--type=merge', `--patch=${patch}`);
        let decided = await decision();
        await waitFor(
          'more pods, by the rate',
          async () => {
            decided = await decision();
            return decided.rate !== undefined && decided.desired > 2;
          },
          2 * minutes,
        );
        console.log(`${decided.rate} requests/s on each of ${decided.current}: ${decided.desired} wanted`);
        expect(decided).toEqual({
          current: 2,
          rate: expect.any(String),
          desired: Math.min(6, Math.ceil((perSecond(decided.rate) / perReplica) * 2)),
        });
      } finally {
        expect(refused(await load.stop())).toEqual([]);
      }
    },
    8 * minutes,
  );
});

interface Status {
  currentReplicas?: number;
  desiredReplicas?: number;
  currentMetrics?: ({
    containerResource?: { name: string; current: { averageUtilization?: number } };
    pods?: { metric: { name: string }; current: { averageValue: string } };
  } | null)[];
}

async function status(): Promise<Status> {
  const { namespace, environment } = world;
  return (await autoscalerIn<{ status?: Status }>(namespace, environment.service.name)).status ?? {};
}

async function decision() {
  const { currentReplicas: current = 0, desiredReplicas: desired = 0, currentMetrics = [] } = await status();
  const metric = currentMetrics.find((each) => each?.pods?.metric.name === requestRateMetric);
  return { current, desired, rate: metric?.pods?.current.averageValue };
}

/** Requests per second of all pods, as the adapter serves it to the HPA; 0 while it does not. */
async function servedRate(): Promise<number> {
  const path = `/apis/custom.metrics.k8s.io/v1beta1/namespaces/${world.namespace}/pods/*/${requestRateMetric}`;
  const text = await kubectl(['get', '--raw', path]).catch(() => '{"items":[]}');
  const { items } = JSON.parse(text) as { items: { value: string }[] };
  return items.reduce((sum, { value }) => sum + perSecond(value), 0);
}

/** A quantity such as 11300m or 12. */
function perSecond(quantity = '0'): number {
  return quantity.endsWith('m') ? Number(quantity.slice(0, -1)) / 1000 : Number(quantity);
}
