// Alerts of the cluster provoked for real, with the rules as the operator gives them to Prometheus, their windows shorter.

import { execFileSync } from 'node:child_process';
import { local } from '../../config/local.ts';
import { ruleScope } from '../../k8s/charts/rules.ts';
import { startLoad } from '../../k8s/scale-test/load.ts';
import type { Manifest } from '../../k8s/synth.ts';
import { alertsOf, ruleGroups } from '../../observability/rules/index.ts';
import { watchedBy } from '../observe/support/watched.ts';
import { hasPrometheus, prometheusIn, type Series } from './support/monitoring-prometheus.ts';
import { waitFor } from './support/wait.ts';
import { type ClusterWorld, createWorld } from './support/world.ts';

const { monitoringNamespace } = local;
const there = hasPrometheus(monitoringNamespace);
const withPrometheus = there ? it : it.skip;
const unless = there ? '' : ' (not here: this cluster has no Prometheus of the operator)';
const { query, configured, ruled } = prometheusIn(monitoringNamespace);

/** By a test of this file, which shows more than that there are series. */
const provoked = ['CrashLooping', 'RolloutStuck', 'AutoscalerAtMaximum', 'CpuSaturated'];
const asked = alertsOf(ruleScope(local)).filter(
  ({ name, sources }) => sources.some((source) => source !== 'service') && !provoked.includes(name),
);

/** A quarter of an hour becomes 90 s. */
const timeScale = 10;
/** The shortest rate, of 12 s then, needs four scrapes. */
const scrape = '3s';
const maxReplicas = 3;
const firesWithinMs = 300_000;

let world: ClusterWorld;
beforeAll(async () => {
  world = await createWorld({
    name: 'test-alerts',
    nodePort: 30_141,
    change: (values) => ({
      ...values,
      scaling: { ...values.scaling, minReplicas: 2, maxReplicas },
    }),
  });
  if (there) await Promise.all([configured(world.namespace, false), ruled(world.namespace, false)]);
  await world.apply(quickened);
  await world.ready();
  if (!there) return;
  process.stdout.write(`Windows of the rules ${timeScale} times shorter\n`);
  await configured(world.namespace, true);
  await ruled(world.namespace, true);
}, 900_000);
afterAll(() => world?.end());

function quickened(manifest: Manifest): Manifest {
  if (manifest.kind === 'PrometheusRule')
    return { ...manifest, spec: { groups: ruleGroups(ruleScope(world.environment), timeScale) } };
  if (manifest.kind !== 'ServiceMonitor') return manifest;
  const spec = manifest.spec as { endpoints: object[] };
  const endpoints = spec.endpoints.map((each) => ({ ...each, interval: scrape, scrapeTimeout: scrape }));
  return { ...manifest, spec: { ...spec, endpoints } };
}

const firing = async () =>
  (await query(`ALERTS{alertstate="firing",namespace="${world.namespace}"}`)).map(({ metric }) => metric);
const fires = (name: string) =>
  waitFor(
    `${name} to fire`,
    async () => (await firing()).some(({ alertname }) => alertname === name),
    firesWithinMs,
    2000,
  );
const ends = (name: string) =>
  waitFor(
    `${name} to end`,
    async () => !(await firing()).some(({ alertname }) => alertname === name),
    firesWithinMs,
    2000,
  );

/** As a person would paste it. */
const run = (command: string) =>
  execFileSync('bash', ['-c', command.replaceAll('--namespace slipway', `--namespace ${world.namespace}`)], {
    encoding: 'utf8',
  });

withPrometheus(
  `the operator hands every alert of the environment to Prometheus, and at rest none fires${unless}`,
  async () => {
    const known = await ruled(world.namespace, true);
    expect(known.sort()).toEqual(
      alertsOf(ruleScope(world.environment))
        .map(({ name }) => name)
        .sort(),
    );
    // Alerts about what is absent are over once all is there.
    await waitFor('all to be quiet', async () => (await firing()).length === 0, 120_000, 2000);
  },
);

(there ? it.each : it.skip.each)(asked)(`$name compares something that is there${unless}`, async ({ name }) => {
  const rules = ruleGroups(ruleScope(world.environment), timeScale).flatMap((group) => group.rules);
  const watched = watchedBy(rules.find((rule) => 'alert' in rule && rule.alert === name)?.expr ?? '');
  let series: Series[] = [];
  const known = async () => {
    series = await query(watched);
    return series.length > 0;
  };
  await waitFor(`series of ${watched}`, known, 120_000, 2000);
  expect(series.filter(({ value }) => !Number.isFinite(value))).toEqual([]);
});

withPrometheus(
  `a version that cannot start: CrashLooping and RolloutStuck, until it is undone as the runbook says${unless}`,
  async () => {
    // It cannot but get stuck, so that need not take long.
    await world.kubectl('patch', 'deployment/slipway', '--patch', '{"spec":{"progressDeadlineSeconds":10}}');
    await world.kubectl('set', 'env', 'deployment/slipway', 'PORT=none');
    await fires('CrashLooping');
    await fires('RolloutStuck');
    const [loop] = (await firing()).filter(({ alertname }) => alertname === 'CrashLooping');
    expect(loop).toMatchObject({ severity: 'ticket', container: 'slipway', service: 'slipway' });
    // The old pods serve on: nobody is woken.
    expect((await firing()).filter(({ severity }) => severity === 'page')).toEqual([]);
    run('kubectl --namespace slipway rollout undo deployment/slipway');
    await ends('CrashLooping');
    await ends('RolloutStuck');
  },
  5 * firesWithinMs,
);

withPrometheus(
  `load that needs more than all replicas: AutoscalerAtMaximum and CpuSaturated, until it is over${unless}`,
  async () => {
    const load = startLoad(world.url, await world.adminKey());
    // More CPU than three replicas that request 100m each are meant to use.
    load.pace(330);
    try {
      await fires('AutoscalerAtMaximum');
      await fires('CpuSaturated');
    } finally {
      await load.stop();
    }
    await ends('CpuSaturated');
    await ends('AutoscalerAtMaximum');
  },
  5 * firesWithinMs,
);
