// Versions of the service for rollouts: another setting, another image, or without one of the three things that save requests.
import type { Environment } from '../../../config/environment.ts';
import { type Images, readImages } from '../../../config/images.ts';
import { type Manifest, render, synthesize } from '../../../k8s/synth.ts';
import { kubectl } from './kubectl.ts';
import { gate } from './load-balancer-controller.ts';

export interface Version {
  /** A setting: connections to the database. */
  poolSize: number;
  images?: Images;
  /** What is left out. */
  without?: 'preStop' | 'drain' | 'gate';
}

interface PodSpec {
  containers: { name: string; lifecycle?: unknown; readinessProbe?: object; env: { name: string; value: string }[] }[];
  readinessGates?: { conditionType: string }[];
}

/** Where the image of the tests keeps what ends a service without a drain. */
export const noDrainPath = '/control/no-drain.mjs';

// The stores share the machine with the load and the rest of the cluster. A pause of theirs says nothing about rollouts, so it
// makes requests slower here, and does not fail them.
/** Longest wait for Redis and for a connection to PostgreSQL, in ms; by default 250 and 2000. */
export const storeTimeoutMs = 8000;

/** Probes of a store that fail in a row before it loses its name; by default 3. */
const storeFailures = 30;

function edit(manifest: Manifest, without: Version['without']): Manifest {
  if (manifest.kind !== 'Deployment' && manifest.kind !== 'StatefulSet') return manifest;
  const { template } = manifest.spec as { template: { spec: PodSpec } };
  const pod = template.spec;
  const container = pod.containers.find(({ name }) => name === manifest.metadata.name);
  if (container === undefined) return manifest;
  if (manifest.kind === 'StatefulSet') {
    container.readinessProbe = { ...container.readinessProbe, failureThreshold: storeFailures };
    return manifest;
  }
  for (const name of ['REDIS_TIMEOUT_MS', 'DATABASE_CONNECT_TIMEOUT_MS']) {
    container.env.push({ name, value: `${storeTimeoutMs}` });
  }
  if (without !== 'gate') pod.readinessGates = [{ conditionType: gate }];
  if (without === 'preStop') delete container.lifecycle;
  if (without === 'drain') container.env.push({ name: 'NODE_OPTIONS', value: `--import=${noDrainPath}` });
  return manifest;
}

/** @param environmentOf the environment with that size of the pool */
export async function applyVersion(version: Version, environmentOf: (poolSize: number) => Environment): Promise<void> {
  const { poolSize, images = readImages(), without } = version;
  const manifests = [...synthesize({ environment: environmentOf(poolSize), images }).values()].flat();
  await kubectl(['apply', '--filename=-'], render(manifests.map((manifest) => edit(manifest, without))));
}
