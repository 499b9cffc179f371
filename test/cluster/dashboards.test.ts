// The panels on series that only a cluster has: kube-state-metrics' and cAdvisor's, with the Prometheus of the operator.
import { local } from '../../config/local.ts';
import type { Panel, Scope } from '../../observability/model.ts';
import { dashboards } from '../../observability/panels/index.ts';
import { sendUpload } from '../support/uploads.ts';
import { autoscalerIn } from './support/api.ts';
import { get } from './support/kubectl.ts';
import { hasPrometheus, prometheusIn, type Series } from './support/monitoring-prometheus.ts';
import { type SteadyLoad, steadyLoad } from './support/steady-load.ts';
import { waitFor } from './support/wait.ts';
import { type ClusterWorld, createWorld } from './support/world.ts';

const { monitoringNamespace } = local;
const there = hasPrometheus(monitoringNamespace);
const withPrometheus = there ? it : it.skip;
const unless = there ? '' : ' (not here: this cluster has no Prometheus of the operator)';
const { query, configured } = prometheusIn(monitoringNamespace);

/** Kubelets and kube-state-metrics are scraped at least every 30 s, and a rate needs two scrapes. */
const knownWithinMs = 180_000;
const minReplicas = 2;
/** Only one more: a size that lasts for a single look of the HPA can fall between two scrapes of Prometheus, 15 s apart. */
const raised = 3;
/** What the load downloads, and so what the pods fetch from the object store and send on. */
const download = { perSecond: 2, bytes: 100_000 };
/** The load's bytes with headers, packets, scrapes, probes and what goes to the stores are at most so many times them. */
const networkFactor = 2;

let world: ClusterWorld;
let scope: Scope;
let load: SteadyLoad;
beforeAll(async () => {
  if (!there) return;
  world = await createWorld({
    name: 'test-dashboards',
    nodePort: 30_140,
    change: (values) => ({
      ...values,
      // By CPU alone, and far from its target: only this test moves it.
      scaling: { ...values.scaling, profile: 'responsive', minReplicas, windowPercent: 10 },
    }),
  });
  await configured(world.namespace, false);
  await world.apply();
  await world.ready();
  await configured(world.namespace, true);
  scope = { namespace: world.namespace, service: world.environment.service.name, range: '2m' };
  const key = { 'X-API-Key': await world.adminKey() };
  const named = { ...key, 'Content-Disposition': 'attachment; filename="a.bin"' };
  const { body } = await sendUpload(world.url, named, Buffer.alloc(download.bytes, 'x'));
  load = steadyLoad(`${world.url}${body.url}`, download.perSecond, key);
}, 900_000);
afterAll(async () => {
  await load?.stop();
  await world?.end();
});

interface Autoscaler {
  spec: { minReplicas: number; maxReplicas: number };
  status: { currentReplicas?: number; desiredReplicas: number };
}

const panels: Panel[] = dashboards.flatMap(({ rows }) => rows.flatMap((row) => [...row.panels]));
const queries = panels.flatMap((panel) =>
  panel.queries
    .filter(({ source, notRun }) => source !== 'service' && notRun === undefined)
    .map((each): [string, Panel, (scope: Scope) => string] => [`${panel.id}, ${each.legend}`, panel, each.expression]),
);
const numberOf = async (name: string): Promise<number> => {
  const found = queries.find(([each]) => each === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  const [series] = await query(found[2](scope));
  return series?.value ?? Number.NaN;
};
const autoscaler = () => autoscalerIn<Autoscaler>(world.namespace, world.environment.service.name);

interface Event {
  message: string;
  count?: number;
  firstTimestamp: string;
}

/** Each size that the HPA has decided for, in their order: the controller tells of each in an event. */
async function rescales(): Promise<number[]> {
  const selector = `reason=SuccessfulRescale,involvedObject.name=${world.environment.service.name}`;
  const { items } = await get<{ items: Event[] }>('events', `--field-selector=${selector}`, '-n', world.namespace);
  return items
    .sort((one, other) => one.firstTimestamp.localeCompare(other.firstTimestamp))
    .flatMap(({ message, count = 1 }) => Array<number>(count).fill(Number(/^New size: (\d+);/.exec(message)?.[1])));
}

/** How many of the sizes are larger than the one before, and how many smaller. */
function stepsOf(first: number, sizes: readonly number[]): { out: number; in: number } {
  const before = [first, ...sizes];
  return {
    out: sizes.filter((size, index) => size > (before[index] as number)).length,
    in: sizes.filter((size, index) => size < (before[index] as number)).length,
  };
}

/** What a number of each unit can be for a few pods. */
const plausible: Partial<Record<Panel['unit'], [number, number]>> = {
  count: [0, 100],
  ratio: [0, 5],
  bytes: [1024 ** 2, 4 * 1024 ** 3],
  'bytes-per-second': [1, 1024 ** 3],
  cores: [0.001, 64],
};

describe('every expression of a panel on series of kube-state-metrics and cAdvisor', () => {
  (there ? it.each : it.skip.each)(queries)(
    `%s returns data: finite and plausible for its unit${unless}`,
    async (_, { unit }, expression) => {
      let series: Series[] = [];
      await waitFor(
        'series',
        async () => {
          series = await query(expression(scope));
          return series.length > 0;
        },
        knownWithinMs,
        2000,
      );
      const [from, to] = plausible[unit] ?? [Number.NaN, Number.NaN];
      expect(series.filter(({ value }) => !(value >= from && value <= to))).toEqual([]);
    },
  );
});

withPrometheus(
  `as many bytes go in and out as the load downloads, at most ${networkFactor} times${unless}`,
  async () => {
    const expected = download.perSecond * download.bytes;
    const near = (value: number) => value >= expected / networkFactor && value <= expected * networkFactor;
    let found: number[] = [];
    // The range of the rate has to be full of load.
    const asLoaded = async () => {
      found = await Promise.all([numberOf('network, in'), numberOf('network, out')]);
      return found.every(near);
    };
    await waitFor('the bytes of the load', asLoaded, knownWithinMs, 2000).catch(() => undefined);
    expect({ found, expected, near: found.map(near) }).toEqual({ found, expected, near: [true, true] });
  },
);

withPrometheus(`replicas, limits and requests are those of the manifests${unless}`, async () => {
  const { pod, scaling } = world.environment;
  const expected: [string, number][] = [
    ['health, wanted', minReplicas],
    ['health, ready', minReplicas],
    ['ready-share, ready', 1],
    ['hpa-replicas, at least', minReplicas],
    ['hpa-replicas, at most', scaling.maxReplicas],
    ['rollout, unavailable', 0],
    ['cpu, requested by each', pod.cpuRequestMillis / 1000],
    ['memory, limit', pod.memoryMiB * 1024 ** 2],
  ];
  let found: [string, number][] = [];
  const asWanted = async () => {
    found = await Promise.all(expected.map(async ([name]): Promise<[string, number]> => [name, await numberOf(name)]));
    return JSON.stringify(found) === JSON.stringify(expected);
  };
  await waitFor('the numbers of the manifests', asWanted, 90_000, 2000).catch(() => undefined);
  expect(found).toEqual(expected);
});

withPrometheus(
  `scale events are as many as the HPA decided${unless}`,
  async () => {
    const wants = (replicas: number) =>
      waitFor(
        `the HPA to want ${replicas}`,
        async () => (await autoscaler()).status.desiredReplicas === replicas,
        240_000,
        1000,
      );
    await wants(minReplicas);
    const before = { out: await numberOf('scale-events, scale-out'), in: await numberOf('scale-events, scale-in') };
    const sizesBefore = await rescales();
    const least = (replicas: number) =>
      world.kubectl('patch', 'hpa', world.environment.service.name, `--patch={"spec":{"minReplicas":${replicas}}}`);
    await least(raised);
    await wants(raised);
    await least(minReplicas);
    await wants(minReplicas);
    let decided = { out: 0, in: 0 };
    const counted = async () => ({
      out: (await numberOf('scale-events, scale-out')) - before.out,
      in: (await numberOf('scale-events, scale-in')) - before.in,
    });
    let found = await counted();
    await waitFor(
      'Prometheus to know of them',
      async () => {
        decided = stepsOf(minReplicas, (await rescales()).slice(sizesBefore.length));
        found = await counted();
        return decided.in > 0 && found.out === decided.out && found.in === decided.in;
      },
      180_000,
      2000,
    ).catch(() => undefined);
    expect(decided).toEqual({ out: 1, in: 1 });
    expect(found).toEqual(decided);
  },
  1_000_000,
);
