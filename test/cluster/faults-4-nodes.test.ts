// What becomes of the service when a worker is drained, or its kubelet falls silent. Other tests' pods are left alone.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { local } from '../../config/local.ts';
import type { Manifest } from '../../k8s/synth.ts';
import { waitFor } from '../support/wait.ts';
import { read } from './support/api.ts';
import type { Disturbance } from './support/guard.ts';
import { get, isReady, type KubeObject, type Pod } from './support/kubectl.ts';
import { type Load, startLoad } from './support/load.ts';
import { type LoadBalancer, startLoadBalancer } from './support/load-balancer.ts';
import { type Controller, gate, startController } from './support/load-balancer-controller.ts';
import { cordon, silenceKubelet } from './support/nodes.ts';
import { failures, type SteadyLoad, steadyLoad } from './support/steady-load.ts';
import { type ClusterWorld, createWorld } from './support/world.ts';

interface Node extends KubeObject {
  status: { conditions: { type: string; status: string }[] };
}

const replicas = 2;
/** With FULL=1 the environment's own; else shorter, also so that pods of others on the silent node are not replaced as well. */
const evictAfterSeconds = process.env.FULL === '1' ? local.rollout.evictAfterSeconds : 5;
/** The node controller waits 50 s for a sign of life, and looks every 5 s. */
const missedWithinMs = 80_000;
/** The eviction, and a start on the other node. */
const movedWithinMs = evictAfterSeconds * 1000 + 30_000;
/** By which `kubectl drain` is kept to the pods of this test. */
const mine = { name: 'test-faults', value: 'nodes' };

let world: ClusterWorld;
let balancer: LoadBalancer;
let controller: Controller;
let staying: string;
let leaving: string;
let disturbance: Disturbance | undefined;
let load: Load | undefined;
let steady: SteadyLoad | undefined;

beforeAll(async () => {
  const { items } = await get<{ items: Node[] }>('nodes', '--selector=!node-role.kubernetes.io/control-plane');
  const workers = items.map(({ metadata }) => metadata.name).sort();
  if (workers.length !== 2) throw new Error(`these tests need two workers; the cluster has ${workers.join(', ')}`);
  [staying, leaving] = workers as [string, string];
  world = await createWorld({
    name: 'test-faults-nodes',
    nodePort: 30_123,
    change: (values) => ({
      ...values,
      scaling: { profile: 'none', minReplicas: replicas, maxReplicas: replicas },
      rollout: { ...values.rollout, evictAfterSeconds },
    }),
  });
  const { derived, loadBalancer, service } = world.environment;
  balancer = await startLoadBalancer({
    intervalSeconds: loadBalancer.healthCheck.intervalSeconds,
    deregistrationDelaySeconds: derived.deregistrationDelaySeconds,
  });
  controller = startController({
    namespace: world.namespace,
    selector: 'app.kubernetes.io/component=web',
    port: service.httpPort,
    balancer,
    delays: { registerMs: 0, deregisterMs: 2000 },
  });
  await world.apply(forThisTest);
  await world.ready();
});
afterEach(async () => {
  await disturbance?.restore();
  await steady?.stop();
  await load?.end();
  disturbance = undefined;
  steady = undefined;
  load = undefined;
});
afterAll(async () => {
  controller?.stop();
  await balancer?.stop();
  await world?.end();
});

/** The gate as behind an ALB, a label to drain by, and the stores on a node that stays: in AWS they are on none of ours. */
function forThisTest(manifest: Manifest): Manifest {
  const changed = structuredClone(manifest) as Manifest & {
    spec: {
      template: {
        metadata: { labels: Record<string, string> };
        spec: { readinessGates?: { conditionType: string }[]; nodeSelector?: Record<string, string> };
      };
    };
  };
  if (manifest.kind === 'StatefulSet') changed.spec.template.spec.nodeSelector = { 'kubernetes.io/hostname': staying };
  if (manifest.kind === 'Deployment') {
    changed.spec.template.metadata.labels[mine.name] = mine.value;
    changed.spec.template.spec.readinessGates = [{ conditionType: gate }];
  }
  return changed;
}

const nodesOf = (pods: readonly Pod[]) => pods.map(({ spec }) => spec.nodeName).sort();
const readyPods = async () => (await world.pods()).filter(isReady);

async function isUp(name: string): Promise<boolean> {
  const { status } = await read<Node>(`/api/v1/nodes/${name}`);
  return status.conditions.some(({ type, status: state }) => type === 'Ready' && state === 'True');
}

/** `kubectl drain`, for pods of this test only. @returns what it said, and how few replicas were ever ready meanwhile */
async function drain(node: string): Promise<{ said: string; fewest: number }> {
  disturbance = await cordon(node);
  const args = ['drain', node, `--pod-selector=${mine.name}=${mine.value}`, '--ignore-daemonsets', '--timeout=150s'];
  let ended = false;
  const done = promisify(execFile)('kubectl', args).finally(() => {
    ended = true;
  });
  let fewest = replicas;
  await waitFor(
    `the drain of ${node}`,
    async () => {
      fewest = Math.min(fewest, (await readyPods()).length);
      return ended;
    },
    160_000,
  );
  const { stdout, stderr } = await done;
  await world.ready();
  expect((await world.pods()).filter(({ spec }) => spec.nodeName === node)).toEqual([]);
  await disturbance.restore();
  return { said: stdout + stderr, fewest };
}

it('a node whose kubelet falls silent is given up, its replica is replaced elsewhere, and no request fails', async () => {
  expect(nodesOf(await readyPods())).toEqual([staying, leaving]);
  steady = steadyLoad(`${world.url}/session`);
  const silentAt = Date.now();
  disturbance = silenceKubelet(leaving);
  await waitFor('the node to be missed', async () => !(await isUp(leaving)), missedWithinMs);
  const missedAt = Date.now();
  await waitFor(
    'all replicas on the other node',
    async () => `${nodesOf(await readyPods())}` === `${[staying, staying]}`,
    movedWithinMs,
  );
  const movedAt = Date.now();

  await disturbance.restore();
  await waitFor('the node to be back', () => isUp(leaving), 30_000);
  // Its containers ran on, unseen; now that the kubelet looks, the replaced one is drained and goes.
  await waitFor('the end of the replaced pod', () => controller.pods().length === replicas, 60_000);
  expect(nodesOf(await readyPods())).toEqual([staying, staying]);
  const samples = await steady.stop();
  expect(samples.length).toBeGreaterThan(200);
  expect(failures(samples)).toEqual([]);
  console.log(
    `kubelet silent (pods given up after ${evictAfterSeconds} s in place of ${local.rollout.evictAfterSeconds}) missed after ${missedAt - silentAt} ms, replaced ${movedAt - missedAt} ms later, 0 of ${samples.length} requests failed`,
  );
});

it('nodes that are drained one after the other cost no request, and replicas leave one at a time', async () => {
  load = startLoad({ url: balancer.url, paths: ['/session'], headers: {}, connections: 20, requestsPerSecond: 50 });
  const begun = load;
  await waitFor('the load', async () => (await begun.report()).requests > 100);
  await drain(leaving);
  expect(nodesOf(await readyPods())).toEqual([staying, staying]);
  const { said, fewest } = await drain(staying);
  expect(said).toContain("would violate the pod's disruption budget");
  expect(fewest).toBeGreaterThanOrEqual(1);
  expect(nodesOf(await readyPods())).toEqual([leaving, leaving]);

  const report = await load.end();
  load = undefined;
  expect(report.failures).toEqual([]);
  expect(report).toMatchObject({ failed: 0 });
  expect(controller.faults).toEqual([]);
  console.log(`drained: 0 of ${report.requests} requests failed, never fewer than ${fewest} ready`);
});
