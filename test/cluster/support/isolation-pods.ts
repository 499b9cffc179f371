// Pods that stand for one end of a flow: each has the labels of a workload, listens on ports, and tells which others it reaches.

import { hardenedContainer, hardenedPod } from '../../../k8s/constructs/pod.ts';
import type { Manifest } from '../../../k8s/synth.ts';
import { podsIn } from './api.ts';
import { isReady, kubectl, type Pod } from './kubectl.ts';

export interface ProbePod {
  namespace: string;
  name: string;
  /** What policies and selectors see. @default none of a workload's */
  labels?: Readonly<Record<string, string>>;
  /** Name of a port → number. @default it only asks */
  ports?: Readonly<Record<string, number>>;
  /** @default any */
  node?: string | undefined;
}

const listen = `
for (const port of process.argv.slice(1)) require('node:net').createServer((socket) => socket.end()).listen(Number(port));
setInterval(() => undefined, 1000);
process.on('SIGTERM', () => process.exit());`;

/** A pod that Pod Security `restricted` admits, as those of the charts are. */
export function probePod({ namespace, name, labels = {}, ports = {}, node }: ProbePod): Manifest {
  const { securityContext, ...pod } = hardenedPod();
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, labels: { ...labels } },
    spec: {
      ...pod,
      securityContext: { ...securityContext, sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] },
      terminationGracePeriodSeconds: 1,
      ...(node === undefined ? {} : { nodeName: node }),
      containers: [
        {
          ...hardenedContainer,
          name: 'probe',
          image: 'slipway:dev',
          command: ['node', '-e', listen, ...Object.values(ports).map(String)],
          ports: Object.entries(ports).map(([port, containerPort]) => ({ name: port, containerPort })),
          resources: { requests: { cpu: '10m', memory: '96Mi' }, limits: { memory: '96Mi' } },
        },
      ],
    },
  };
}

/** One end of a flow: an address and a port, or a name server that is asked over UDP. */
export interface Target {
  host: string;
  port: number;
  protocol?: 'UDP';
}

/** `refused`: nothing came back in time; any other fault is told as it is, since a closed port is no refusal by a policy. */
export type Outcome = 'open' | 'refused' | `fault ${string}`;

const patienceMs = 3000;

/** Runs in a container that has Node: tries all targets at once. */
const tryAll = `
const { connect } = require('node:net');
const { Resolver } = require('node:dns').promises;
const reach = ({ host, port }) => new Promise((resolve) => {
  const socket = connect({ host, port });
  const done = (outcome) => { socket.destroy(); resolve(outcome); };
  socket.once('connect', () => done('open'));
  socket.once('error', ({ code }) => done('fault ' + code));
  // A process that was off the CPU meanwhile hears of its connection first.
  setTimeout(() => setImmediate(() => done('refused')), ${patienceMs});
});
const ask = async ({ host, port }) => {
  const resolver = new Resolver({ timeout: ${patienceMs}, tries: 1 });
  resolver.setServers([host + ':' + port]);
  try {
    await resolver.resolve4('kubernetes.default.svc.cluster.local');
    return 'open';
  } catch ({ code }) {
    return code === 'ETIMEOUT' ? 'refused' : 'fault ' + code;
  }
};
Promise.all(JSON.parse(process.argv[1]).map((each) => (each.protocol === 'UDP' ? ask : reach)(each)))
  .then((outcomes) => { console.log(JSON.stringify(outcomes)); process.exit(); });`;

/** What becomes of a connection from the pod to each target, in their order. */
export async function tryFrom(
  pod: { namespace: string; name: string },
  targets: readonly Target[],
): Promise<Outcome[]> {
  const command = ['node', '-e', tryAll, JSON.stringify(targets)];
  return JSON.parse(
    await kubectl(['--namespace', pod.namespace, 'exec', pod.name, '--', ...command], undefined, 60_000),
  );
}

/** Resolves with the pods of the namespace that are up, by name. */
export async function runningPods(namespace: string): Promise<Map<string, Pod>> {
  return new Map((await podsIn(namespace)).filter(isReady).map((pod) => [pod.metadata.name, pod]));
}
