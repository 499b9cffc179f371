// Runs the service in pods as if it were one process of this machine: arguments, environment, output, SIGTERM and exit code.
// Clients reach it at a node port, through kube-proxy and the network policies. A program of its own, so that
// test/support/service.ts starts it like any other.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { local } from '../../../config/local.ts';
import type { PodProgram } from '../../support/shared-servers.ts';
import { openAddress, type PodAddress } from './pod-address.ts';

/** What this program is given in the variable POD_PROCESS. */
export interface PodProcess extends PodProgram {
  environment: Record<string, string | undefined>;
}

const argv = process.argv.slice(2);
const { namespace, pod, addresses, environment } = JSON.parse(process.env.POD_PROCESS ?? '') as PodProcess;
const serves = argv.length === 0;
const name = `replica-${randomBytes(5).toString('hex')}`;
const inside = ['--namespace', namespace];
const own = { 'replica-of': name };
/** As many as are deployed, but where a test says otherwise (see in-pods.ts); a command runs in one. */
const replicas = Number(process.env.PODS_BEHIND_AN_ADDRESS ?? local.scaling.minReplicas);
const pods = Array.from({ length: serves ? replicas : 1 }, (_, index) => `${name}-${index}`);

/** A server's address as pods reach it, for the one that the tests use. */
function asPodsSee(text: string): string {
  return Object.entries(addresses).reduce((seen, [here, there]) => seen.replaceAll(here, there), text);
}

const [container] = pod.spec.containers;
const ports = container?.ports ?? [];
// In a pod the service listens on all its addresses, at the ports of the manifests, as in every environment.
const { HOST: _, PORT: __, METRICS_PORT: ___, ...wanted } = environment;
// The nodes share one machine: its stalls are no fault of Redis.
const given: Record<string, string | number | undefined> = { ...wanted, REDIS_TIMEOUT_MS: '2000' };
for (const { name: port, containerPort } of ports) given[port === 'metrics' ? 'METRICS_PORT' : 'PORT'] = containerPort;
const env = Object.entries(given).flatMap(([key, value]) =>
  value === undefined ? [] : [{ name: key, value: asPodsSee(`${value}`) }],
);
const manifests = pods.map((each) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { ...pod.metadata, namespace, name: each, labels: { ...pod.metadata.labels, ...own } },
  spec: { ...pod.spec, containers: [{ ...container, args: argv, env }] },
}));

const children: ChildProcess[] = [];
const kubectl = (...args: string[]) => {
  const child = spawn('kubectl', [...inside, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return child;
};
const closed = (child: ChildProcess) => new Promise<void>((resolve) => child.once('close', () => resolve()));

let address: PodAddress | undefined;
const told: Record<string, number> = {};
/** Passes on what a pod has printed. The pods count as one process: it listens and is ready when the last of them is. */
async function pass(line: string): Promise<void> {
  const [, event] = /"event":"(listening|ready)"/.exec(line) ?? [];
  if (address === undefined || event === undefined) {
    process.stdout.write(`${line}\n`);
    return;
  }
  told[event] = (told[event] ?? 0) + 1;
  if (told[event] < pods.length) return;
  if (event === 'ready') process.stdout.write(`${line}\n`);
  else process.stdout.write(`${JSON.stringify({ ...JSON.parse(line), ...(await address.answering()) })}\n`);
}

let passing = Promise.resolve();
/** Copies what a pod prints, from its beginning to its end. */
function follow(each: string): Promise<void> {
  const lines = kubectl('logs', '--follow', `pod/${each}`);
  createInterface({ input: lines.stdout }).on('line', (line) => {
    passing = passing.then(() => pass(line));
    passing.catch(fail);
  });
  return closed(lines);
}

/** Resolves when all of its output is copied. @returns the exit code of the container, 1 when it was not to be had */
async function exitCode(each: string): Promise<number> {
  const state = '{.status.phase} {.status.containerStatuses[0].state.terminated.exitCode}{"\\n"}';
  const watch = kubectl('get', 'pod', each, '--watch', `--output=jsonpath=${state}`);
  let log: Promise<void> | undefined;
  for await (const line of createInterface({ input: watch.stdout })) {
    const [phase, code = ''] = line.split(' ');
    // One that ends at once has an exit code while its pod still counts as pending.
    if (phase !== 'Pending' || code !== '') log ??= follow(each);
    if (code === '') continue;
    await log; // what is removed says no more
    if (code !== '0') remove('pods'); // as one process, they end together
    return Number(code);
  }
  return 1;
}

const remove = (kinds: string) =>
  spawnSync('kubectl', [...inside, 'delete', kinds, `--selector=replica-of=${name}`, '--wait=false']);
// The address stays, as the pods go on answering while they drain.
process.on('SIGTERM', () => remove('pods'));
const leave = (code: number): never => {
  remove('pods,services');
  for (const child of children) child.kill();
  process.exit(code);
};
const fail = (error: unknown): never => {
  process.stderr.write(`${error}\n`);
  return leave(1);
};
// Whoever started this program is gone: nothing of it may stay.
process.stdin.resume().on('end', () => leave(1));

if (serves) address = await openAddress(namespace, name, own, pods, ports).catch(fail);
const list = { apiVersion: 'v1', kind: 'List', items: manifests };
const made = spawnSync('kubectl', ['create', '--filename=-'], { input: JSON.stringify(list), encoding: 'utf8' });
if (made.status !== 0) fail(made.stderr);
const codes = await Promise.all(pods.map(exitCode));
await passing;
leave(codes.find((code) => code !== 0) ?? 0);
