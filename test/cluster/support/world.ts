// What one test file works in: the charts of the local environment in a namespace of their own, on the real cluster.
import { defineEnvironment, type Environment, valuesOf } from '../../../config/environment.ts';
import { type Images, readImages } from '../../../config/images.ts';
import { local } from '../../../config/local.ts';
import type { EnvironmentInput } from '../../../config/schema.ts';
import { type Manifest, render, synthesize } from '../../../k8s/synth.ts';
import { webPodsIn } from './api.ts';
import { get, isReady, kubectl, type Pod } from './kubectl.ts';
import { patient } from './patient.ts';
import { waitFor } from './wait.ts';

interface HealthAnswer {
  instance: string;
  dependencies: Record<string, { state: 'up' | 'down' }>;
}

export interface WorldOptions {
  /** Namespace. */
  name: string;
  /** Port on each node, 30000 to 32767, that no other test file uses. */
  nodePort: number;
  /** What differs from config/local.ts. */
  change?: (values: EnvironmentInput) => EnvironmentInput;
}

export interface ClusterWorld {
  readonly namespace: string;
  readonly environment: Environment;
  /** Address of the service through its node port. */
  readonly url: string;
  /** kubectl in the namespace. */
  kubectl(...args: string[]): Promise<string>;
  /** Pods of the service that are not ending. */
  pods(): Promise<Pod[]>;
  /** Applies the charts, with patience for Redis and changed by `edit` as the test wants, and resolves when kubectl is done. */
  apply(edit?: (manifest: Manifest) => Manifest | undefined, images?: Images): Promise<void>;
  /** Resolves when the Deployment has rolled out, as many pods as it has at rest are ready, and each reaches its stores. */
  ready(withinMs?: number): Promise<void>;
  /** A new admin key of the service. */
  adminKey(): Promise<string>;
  /** Removes the namespace, without waiting for the pods to drain. */
  end(): Promise<void>;
}

/** The local environment in another namespace and on another port, with changes. */
export function localVariant({ name, nodePort, change = (values) => values }: WorldOptions): Environment {
  const values = valuesOf(local);
  const moved: EnvironmentInput = {
    ...values,
    namespace: name,
    loadBalancer: { ...values.loadBalancer, nodePort },
    // Where several tests begin at once a rollout takes its time, and after 60 s would count as failed.
    rollout: { ...values.rollout, progressDeadlineSeconds: 600 },
  };
  return defineEnvironment(change(moved));
}

/** A pod becomes ready even without its stores, which may come up later; until then it answers with 503. */
async function eachReachesItsStores(url: string, namespace: string, atLeast: number, withinMs: number): Promise<void> {
  const reaches = new Map<string, boolean>();
  let fault = '';
  const ask = async () => {
    const answer = await fetch(`${url}/health`, {
      headers: { Connection: 'close' },
      signal: AbortSignal.timeout(3000),
    });
    const { instance, dependencies } = (await answer.json()) as HealthAnswer;
    reaches.set(
      instance,
      Object.values(dependencies).every(({ state }) => state === 'up'),
    );
  };
  const all = async () => {
    const ready = (await webPodsIn(namespace)).filter(isReady);
    // Which pod answers is up to the connection.
    const noteFault = (error: Error) => {
      fault = error.message;
    };
    await Promise.all(Array.from({ length: 4 * ready.length }, () => ask().catch(noteFault)));
    return ready.length >= atLeast && ready.every(({ metadata }) => reaches.get(metadata.name));
  };
  await waitFor('each pod to reach its stores', all, withinMs).catch((error: Error) => {
    const seen = JSON.stringify([...reaches]);
    throw new Error(`${error.message}; whether they do: ${seen}; the last fault: ${fault || 'none'}`, { cause: error });
  });
}

/** Applies nothing yet; a namespace left over from a run that was cut is removed first. */
export async function createWorld(options: WorldOptions): Promise<ClusterWorld> {
  const environment = localVariant(options);
  const namespace = options.name;
  const url = `http://127.0.0.1:${options.nodePort}`;
  const inside = (...args: string[]) => kubectl(['--namespace', namespace, ...args]);
  const remove = () => kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait', '--timeout=120s']);
  await remove();
  return {
    namespace,
    environment,
    url,
    kubectl: inside,
    async pods() {
      return (await webPodsIn(namespace)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    },
    async apply(edit = (manifest) => manifest, images = readImages()) {
      const manifests = [...synthesize({ environment, images }).values()].flat();
      await kubectl(
        ['apply', '--filename=-'],
        render(manifests.map((each) => edit(patient(each))).filter((each) => each !== undefined)),
      );
    },
    async ready(withinMs = 120_000) {
      const name = environment.service.name;
      const { minReplicas } = environment.scaling;
      // An HPA would bring a new Deployment to its fewest replicas a quarter of a minute later.
      const { spec } = await get<{ spec: { replicas: number } }>(`deployment/${name}`, '--namespace', namespace);
      if (spec.replicas < minReplicas) await inside('scale', `deployment/${name}`, `--replicas=${minReplicas}`);
      await inside('rollout', 'status', `deployment/${name}`, `--timeout=${withinMs / 1000}s`);
      await waitFor(
        `${minReplicas} ready pods`,
        async () => (await webPodsIn(namespace)).filter(isReady).length >= minReplicas,
        withinMs,
      );
      await eachReachesItsStores(url, namespace, minReplicas, withinMs);
    },
    async adminKey() {
      const out = await inside(
        'exec',
        `deployment/${environment.service.name}`,
        '--',
        'node',
        '/app/main.js',
        'admin-key',
      );
      return out.trim();
    },
    async end() {
      await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']);
    },
  };
}
