// What `make cluster` installs, as a cluster has it: kept before a test takes it away, and put back.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addons } from '../../../k8s/deploy/addons.ts';
import type { Manifest } from '../../../k8s/synth.ts';
import { type Disturbance, guard } from './guard.ts';
import { get, kubectl } from './kubectl.ts';

/** Names of the release of metrics-server; those with a namespace are in kube-system. */
const metricsServer = [
  'serviceaccount/metrics-server',
  'clusterrole/system:aggregated-metrics-reader',
  'clusterrole/system:metrics-server',
  'rolebinding/metrics-server-auth-reader',
  'clusterrolebinding/metrics-server:system:auth-delegator',
  'clusterrolebinding/system:metrics-server',
  'service/metrics-server',
  'deployment/metrics-server',
  'apiservice/v1beta1.metrics.k8s.io',
];
const inSystem = ['--namespace', 'kube-system'];

const definitionNames = addons.prometheusOperatorDefinitions.names;

export interface KeptAddons {
  metricsServer: Manifest[];
  definitions: Manifest[];
  /** Of all namespaces that stay: they go with their definitions. */
  objects: Manifest[];
}

/** As somebody would write it: without what the API server adds. */
function cleaned({ metadata, spec, status: _, ...rest }: Manifest): Manifest {
  const { name, namespace, labels, annotations = {} } = metadata;
  const own = Object.entries(annotations).filter(
    ([key]) => !/^(kubectl|deployment)\.kubernetes\.io\/(last-applied-configuration|revision)$/.test(key),
  );
  const { clusterIP: __, clusterIPs: ___, ...asked } = (spec ?? {}) as Record<string, unknown>;
  const plain = { name, namespace, labels, annotations: Object.fromEntries(own) };
  return JSON.parse(JSON.stringify({ ...rest, metadata: plain, spec: spec === undefined ? undefined : asked }));
}

/** @throws Error when the cluster lacks something of it */
export async function keepAddons(): Promise<KeptAddons> {
  const items = async (...args: string[]) => (await get<{ items: Manifest[] }>(...args)).items.map(cleaned);
  // What a namespace on its way out takes along cannot be put back.
  const staying = (await items('namespaces', '--field-selector=status.phase=Active')).map(
    ({ metadata }) => metadata.name,
  );
  const objects = await items('--all-namespaces', definitionNames.join(','));
  return {
    metricsServer: await items(...inSystem, ...metricsServer),
    definitions: await items('customresourcedefinitions', ...definitionNames),
    objects: objects.filter(({ metadata }) => staying.includes(metadata.namespace ?? '')),
  };
}

/** Takes all of it away; `restore` resolves when it is back and works. */
export async function removeAddons({ metricsServer: server, definitions, objects }: KeptAddons): Promise<Disturbance> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-addons-'));
  const steps: string[] = [];
  const apply = (file: string, kept: readonly Manifest[]) => {
    if (kept.length === 0) return;
    const path = join(folder, file);
    writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: kept }));
    steps.push(`kubectl apply --server-side --force-conflicts --filename '${path}'`);
  };
  const wait = (condition: string, ...objectsOf: string[]) =>
    steps.push(`kubectl wait --for=condition=${condition} --timeout=180s ${objectsOf.join(' ')}`);
  apply('metrics-server.json', server);
  apply('definitions.json', definitions);
  wait('Established', ...definitionNames.map((name) => `customresourcedefinition/${name}`));
  wait('Available', 'apiservice/v1beta1.metrics.k8s.io');
  apply('objects.json', objects);
  steps.push(`rm -r '${folder}'`);
  const disturbance = guard(['sh', '-c', steps.join(' && ')]);
  try {
    await kubectl(['delete', ...inSystem, ...[...metricsServer].reverse()]);
    await kubectl(['delete', 'customresourcedefinitions', ...definitionNames]);
  } catch (error) {
    await disturbance.restore();
    throw error;
  }
  return disturbance;
}
