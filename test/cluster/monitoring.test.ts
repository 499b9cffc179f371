import { local } from '../../config/local.ts';
import { isReady } from './support/kubectl.ts';
import { hasPrometheus, prometheusIn } from './support/monitoring-prometheus.ts';
import { waitFor } from './support/wait.ts';
import { type ClusterWorld, createWorld } from './support/world.ts';

const { monitoringNamespace } = local;
const there = hasPrometheus(monitoringNamespace);
const withPrometheus = there ? it : it.skip;
const unless = there ? '' : ' (not here: this cluster has no Prometheus of the operator)';
const { targets, query, configured } = prometheusIn(monitoringNamespace);

/** Prometheus looks for pods at once, and scrapes each every 15 s; a new one has to start before. */
const scrapedWithinMs = 180_000;
const views = 30;

let world: ClusterWorld;
beforeAll(async () => {
  if (!there) return;
  world = await createWorld({
    name: 'test-monitoring',
    nodePort: 30_115,
    change: (values) => ({ ...values, scaling: { profile: 'none', minReplicas: 2, maxReplicas: 2 } }),
  });
  // One of an earlier run would be taken for this one.
  await configured(world.namespace, false);
  await world.apply();
  await world.ready();
  await configured(world.namespace, true);
}, 900_000);
afterAll(() => world?.end());

const podNames = async () =>
  (await world.pods())
    .filter(isReady)
    .map(({ metadata }) => metadata.name)
    .sort();

/** Resolves when the targets that are up are exactly the pods, and those are so many. */
async function allUp(pods: number): Promise<void> {
  let state = '';
  const asWanted = async () => {
    const [found, wanted] = await Promise.all([targets(world.namespace), podNames()]);
    state = found.map(({ labels, health, lastError }) => `${labels.pod} ${health} ${lastError}`).join(', ');
    const up = found.filter(({ health }) => health === 'up').map(({ labels }) => labels.pod as string);
    return wanted.length === pods && found.length === pods && up.sort().join() === wanted.join();
  };
  await waitFor(`${pods} targets that are up`, asWanted, scrapedWithinMs).catch((error: Error) => {
    throw new Error(`${error.message}; there are: ${state || 'none'}`);
  });
}

withPrometheus(`every pod is a target that is up${unless}`, async () => {
  await allUp(2);
  for (const { labels } of await targets(world.namespace)) {
    expect(labels).toMatchObject({
      namespace: world.namespace,
      job: world.environment.service.name,
      service: world.environment.service.name,
      endpoint: 'metrics',
      app_kubernetes_io_version: 'dev',
    });
  }
});

withPrometheus(`the requests of each pod are counted by route${unless}`, async () => {
  for (let i = 0; i < views; i++) {
    expect((await fetch(`${world.url}/session`, { headers: { Connection: 'close' } })).status).toBe(200);
  }
  for (const path of ['/one-unknown', '/another-unknown']) await fetch(`${world.url}${path}`);
  const inNamespace = `namespace="${world.namespace}"`;
  const counted = `http_request_duration_seconds_count{${inNamespace},method="GET"}`;
  let byRoute = new Map<string, number>();
  await waitFor(
    'the requests to be scraped',
    async () => {
      const rows = await query(`sum by (route, status) (${counted})`);
      byRoute = new Map(rows.map(({ metric, value }) => [`${metric.route} ${metric.status}`, value]));
      return byRoute.get('/session 200') === views && byRoute.get('unmatched 404') === 2;
    },
    scrapedWithinMs,
  );
  expect([...byRoute.keys()].filter((key) => key.includes('unknown'))).toEqual([]);
  const byPod = await query(`sum by (pod) (http_request_duration_seconds_count{${inNamespace},route="/health"})`);
  expect(byPod.map(({ metric }) => metric.pod).sort()).toEqual(await podNames());
});

withPrometheus(`the state of each pod is known: burners, database pool, event loop${unless}`, async () => {
  const pods = await podNames();
  for (const name of ['burners_busy', 'nodejs_eventloop_lag_p99_seconds', 'process_cpu_seconds_total']) {
    const rows = await query(`${name}{namespace="${world.namespace}"}`);
    expect([name, rows.map(({ metric }) => metric.pod).sort()]).toEqual([name, pods]);
  }
});

withPrometheus(`a replica that is added becomes a target, one that is removed ceases to be one${unless}`, async () => {
  await world.kubectl('scale', 'deployment/slipway', '--replicas=3');
  await allUp(3);
  await world.kubectl('scale', 'deployment/slipway', '--replicas=2');
  await allUp(2);
});
