// What the AWS Load Balancer Controller does for a Service of targets by IP: registers pods, deregisters them, opens their gates.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { kubectl } from './kubectl.ts';
import type { LoadBalancer } from './load-balancer.ts';

/** Condition of the readiness gate, named as the controller names it after its target group binding. */
export const gate = 'target-health.elbv2.k8s.aws/k8s-test-slipway-http';

export interface Delays {
  /** From a pod's containers being ready to its registration. */
  registerMs: number;
  /** From a pod's deletion to its deregistration. */
  deregisterMs: number;
}

export interface ControllerOptions {
  namespace: string;
  /** Labels of the pods, as kubectl takes them. */
  selector: string;
  port: number;
  balancer: LoadBalancer;
  delays: Delays;
  /** Told of each pod that is asked to end, at once. */
  deleted?: () => void;
}

export interface Controller {
  /** Read for each pod anew. */
  delays: Delays;
  /** Names of the pods that exist, those that are ending included. */
  pods(): string[];
  /** What went wrong in the controller itself. */
  readonly faults: readonly string[];
  stop(): void;
}

interface Seen {
  event: string;
  name: string;
  ip: string;
  containersReady: boolean;
  gated: boolean;
  deleted: boolean;
}

const fields = [
  '.type',
  '.object.metadata.name',
  '.object.status.podIP',
  '.object.status.conditions[?(@.type=="ContainersReady")].status',
  '.object.spec.readinessGates[*].conditionType',
  '.object.metadata.deletionTimestamp',
];

function parse(line: string): Seen {
  const [event = '', name = '', ip = '', ready, gates = '', deletion = ''] = line.split('|');
  const deleted = deletion !== '' || event === 'DELETED';
  return { event, name, ip, containersReady: ready === 'True', gated: gates.split(' ').includes(gate), deleted };
}

/** How often it asks whether a target is healthy by now. */
const lookMs = 200;

/** Watches the pods until it is stopped. */
export function startController(options: ControllerOptions): Controller {
  const { namespace, selector, port, balancer, deleted } = options;
  const pods = new Set<string>();
  const registered = new Map<string, string>();
  const begun = new Set<string>();
  const ended = new Set<string>();
  const faults: string[] = [];
  let stopped = false;
  const inBackground = (work: Promise<void>) =>
    work.catch((error: Error) => {
      if (!stopped) faults.push(error.message);
    });
  const push = () => balancer.register([...registered.values()]);

  const register = async ({ name, ip, gated }: Seen) => {
    await sleep(controller.delays.registerMs);
    if (ended.has(name) || stopped) return;
    registered.set(name, `${ip}:${port}`);
    await push();
    const healthy = async () =>
      (await balancer.view()).targets.some((target) => target.host === ip && target.state === 'healthy');
    while (gated && !ended.has(name) && !stopped && !(await healthy())) await sleep(lookMs);
    if (!gated || ended.has(name) || stopped) return;
    const status = { conditions: [{ type: gate, status: 'True', lastTransitionTime: new Date().toISOString() }] };
    const patch = ['--subresource=status', '--type=strategic', `--patch=${JSON.stringify({ status })}`];
    await kubectl(['--namespace', namespace, 'patch', 'pod', name, ...patch]);
  };
  const deregister = async ({ name }: Seen) => {
    await sleep(controller.delays.deregisterMs);
    if (registered.delete(name)) await push();
  };

  const template = `${fields.map((field) => `{${field}}`).join('|')}{"\\n"}`;
  const watch = ['get', 'pods', '--watch', '--output-watch-events', `--output=jsonpath=${template}`];
  const child = spawn('kubectl', ['--namespace', namespace, ...watch, '--selector', selector], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => faults.push(text.trim()));
  child.once('exit', (code) => {
    if (!stopped) faults.push(`the watch ended with ${code}`);
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const pod = parse(line);
    if (pod.event === 'DELETED') pods.delete(pod.name);
    else pods.add(pod.name);
    if (pod.deleted && !ended.has(pod.name)) {
      ended.add(pod.name);
      deleted?.();
      void inBackground(deregister(pod));
    }
    if (pod.containersReady && !pod.deleted && !begun.has(pod.name)) {
      begun.add(pod.name);
      void inBackground(register(pod));
    }
  });

  const controller: Controller = {
    delays: options.delays,
    pods: () => [...pods],
    faults,
    stop() {
      stopped = true;
      child.kill();
    },
  };
  return controller;
}
