// `make cluster` on a cluster that lacks what it installs. What it downloads comes from a mirror of the addresses that it names, and is what the cluster had.

import { local } from '../../config/local.ts';
import { addons } from '../../k8s/deploy/addons.ts';
import { render } from '../../k8s/synth.ts';
import { type Ended, start } from '../deploy/support/checkout.ts';
import type { Disturbance } from './support/guard.ts';
import { type KeptAddons, keepAddons, removeAddons } from './support/kept-addons.ts';
import { get, kubectl } from './support/kubectl.ts';
import { type Mirror, startMirror } from './support/mirror.ts';
import { hasPrometheus, prometheusIn } from './support/monitoring-prometheus.ts';
import { waitFor } from './support/wait.ts';

interface Deployment {
  spec: { template: { spec: { containers: [{ args: string[] }] } } };
}

const insecure = '--kubelet-insecure-tls';
const definitions = addons.prometheusOperatorDefinitions;
const urls = [addons.metricsServer.url, ...definitions.urls];
const { monitoringNamespace } = local;
const there = hasPrometheus(monitoringNamespace);
const { configured, targets } = prometheusIn(monitoringNamespace);

const namespace = 'test-make-cluster';
const another = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
  {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'ServiceMonitor',
    metadata: { name: 'of-nothing', namespace },
    spec: { selector: { matchLabels: { of: 'nothing' } }, endpoints: [{ port: 'none' }] },
  },
];

let mirror: Mirror;
let removed: Disturbance | undefined;
let targetsBefore = 0;

beforeAll(async () => {
  await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--timeout=60s']);
  if (there) targetsBefore = (await targets(monitoringNamespace)).length;
  const kept = await keepAddons();
  mirror = await startMirror(released(kept));
  removed = await removeAddons(kept);
});
afterAll(async () => {
  mirror?.stop();
  await removed?.restore();
  if (!there || removed === undefined) return;
  // One object more, that its operator cannot know unless it watches these kinds again.
  await kubectl(['create', '--filename=-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: another }));
  await configured(namespace, true);
  const up = async () => (await targets(monitoringNamespace)).filter(({ health }) => health === 'up').length;
  await waitFor('the targets of Prometheus', async () => (await up()) >= targetsBefore, 120_000, 1000);
  await kubectl(['delete', 'namespace', namespace, '--wait=false']);
});

/** What each address of the addons has: of metrics-server without the argument that only kind needs. */
function released(kept: KeptAddons): Map<string, string> {
  const server = structuredClone(kept.metricsServer);
  for (const { kind, spec } of server) {
    if (kind !== 'Deployment') continue;
    const [container] = (spec as Deployment['spec']).template.spec.containers;
    container.args = container.args.filter((arg) => arg !== insecure);
  }
  const files = new Map([[addons.metricsServer.url, render(server)]]);
  for (const definition of kept.definitions) {
    const [plural] = definition.metadata.name.split('.');
    const url = urls.find((each) => each.endsWith(`_${plural}.yaml`));
    if (url !== undefined) files.set(url, render([definition]));
  }
  return files;
}

/** What `make cluster` runs. */
const makeCluster = (env: Record<string, string>): Promise<Ended> =>
  start(process.execPath, ['k8s/deploy/cluster.ts'], { env }).ended;

const installed = async () => {
  const found = await kubectl([
    ...['get', '--namespace=kube-system', '--ignore-not-found', '--output=name'],
    ...['deployment/metrics-server', 'apiservice/v1beta1.metrics.k8s.io'],
    ...definitions.names.map((name) => `customresourcedefinition/${name}`),
  ]);
  return found.split('\n').filter((line) => line !== '');
};

describe('make cluster on a cluster that lacks metrics-server and the definitions', () => {
  it('says which address it could not reach and what to do, and installs nothing', async () => {
    const { code, err } = await makeCluster({ ...mirror.environment, HTTPS_PROXY: 'http://127.0.0.1:9' });
    expect(code).toBe(1);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(err).toContain(`metrics-server cannot be installed from ${addons.metricsServer.url} (`);
    expect(err).toMatch(/refused.*\): download it where there is a network, .* and run make cluster again\n$/);
    expect(await installed()).toEqual([]);
    expect(mirror.asked).toEqual([]);
  });

  it('installs both from the addresses of addons.ts, and they work', async () => {
    const { code, out, err } = await makeCluster(mirror.environment);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('metrics-server: installing …');
    expect(out).toContain('prometheus-operator: installing …');
    expect(mirror.asked).toEqual(urls);

    const deployment = await get<Deployment>('deployment/metrics-server', '--namespace=kube-system');
    const [{ args }] = deployment.spec.template.spec.containers;
    expect(args.filter((arg) => arg === insecure)).toEqual([insecure]);
    const { items } = await get<{ items: { status: { conditions: { type: string; status: string }[] } }[] }>(
      'customresourcedefinitions',
      ...definitions.names,
    );
    for (const { status } of items)
      expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'Established', status: 'True' }));
    const measured = () =>
      kubectl(['top', 'nodes', '--no-headers']).then(
        (lines) => /\d+%/.test(lines),
        () => false,
      );
    await waitFor('the nodes to be measured', measured, 120_000, 1000);
  });

  it('a second time finds both, and downloads nothing', async () => {
    const before = mirror.asked.length;
    const { code, out, err } = await makeCluster(mirror.environment);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('metrics-server: present');
    expect(out).toContain('prometheus-operator: present');
    expect(mirror.asked).toHaveLength(before);
  });
});
