// docs/zero-loss.md: what a full run of the zero-loss test has measured.
import type { LoadReport } from './load.ts';
import { storeTimeoutMs } from './versions.ts';

export interface Rollout {
  what: string;
  /** From the apply to a Deployment that has rolled out. */
  rolledOutSeconds: number;
  /** From the apply to the end of the last old pod. */
  goneSeconds: number;
  requests: number;
  failed: number;
  requestsPerSecond: number;
  /** How long the upload went on after its pod was deregistered. */
  uploadOutlivedSeconds?: number;
  /** Reason → how many of the first hundred failures. */
  reasons: Record<string, number>;
}

export interface Overhead {
  directMedianMs: number;
  directP99Ms: number;
  throughMedianMs: number;
  throughP99Ms: number;
  /** CPU time of the balancer. */
  cpuMicrosPerRequest: number;
  requestsPerSecond: number;
}

export interface ZeroLoss extends LoadReport {
  /** When and on what it ran. */
  on: string;
  replicas: number;
  connections: number;
  /** Requests that the balancer had to send twice. */
  resent: number;
  rollouts: Rollout[];
  controls: (Rollout & { conclusion: string })[];
  overhead: Overhead | undefined;
  intervalSeconds: number;
  preStopSeconds: number;
  settleSeconds: number;
  deregistrationDelaySeconds: number;
}

const fixed = (value: number, digits = 1) => value.toFixed(digits);
const thousands = (value: number) => value.toLocaleString('en-GB');

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

const reasonsOf = ({ reasons }: Rollout) =>
  Object.entries(reasons)
    .map(([reason, count]) => `${count} × ${reason}`)
    .join(', ') || '–';

function overheadText({ overhead }: ZeroLoss): string {
  if (overhead === undefined) return 'Not measured in this run.';
  const { directMedianMs, directP99Ms, throughMedianMs, throughP99Ms, cpuMicrosPerRequest, requestsPerSecond } =
    overhead;
  return `The same load of ${fixed(requestsPerSecond, 0)} requests/s on /session of one pod, in turns straight to its address and through a balancer with
only that pod: median ${fixed(directMedianMs, 2)} ms against ${fixed(throughMedianMs, 2)} ms, 99th percentile ${fixed(directP99Ms, 2)} ms against ${fixed(throughP99Ms, 2)} ms. The balancer used
${fixed(cpuMicrosPerRequest, 0)} µs of CPU per request, ${fixed((cpuMicrosPerRequest * requestsPerSecond) / 1e4)} % of a core at that rate. All of it ran on one machine together with
the cluster, so these are upper bounds of what it adds.`;
}

/** The page, as Markdown. */
export function zeroLossPage(run: ZeroLoss): string {
  const rollouts = run.rollouts.map((each) => [
    each.what,
    `${fixed(each.rolledOutSeconds)} s`,
    `${fixed(each.goneSeconds)} s`,
    thousands(each.requests),
    fixed(each.requestsPerSecond, 0),
    each.uploadOutlivedSeconds === undefined
      ? '–'
      : `intact, ${fixed(each.uploadOutlivedSeconds)} s after deregistration`,
    `${each.failed}`,
  ]);
  const controls = run.controls.map((each) => [
    each.what,
    thousands(each.requests),
    `${each.failed}`,
    reasonsOf(each),
    each.conclusion,
  ]);
  return `# Zero loss

Written by \`FULL=1 make test-cluster FILES=test/cluster/zero-loss.test.ts\`: ${run.on}.

**${run.failed} of ${thousands(run.requests)} requests failed** over ${run.rollouts.length} rollouts of ${run.replicas} replicas (one more while they roll), on ${run.connections} keep-alive
connections, of which ${run.opened} were opened in all. ${run.instances} pods answered; median ${fixed(run.medianMs)} ms, 99th percentile ${fixed(run.p99Ms)} ms. The
balancer answered none by itself, cut none, and sent ${run.resent} a second time because a pod had closed a kept connection.

${table(['rollout', 'rolled out', 'old pods gone', 'requests', 'per second', '30 s upload', 'failed'], rollouts)}

## What was done

The charts of the local environment, without the HPA so that the number of replicas is known, and with the readiness gate that the
AWS Load Balancer Controller injects. In front of the pods' own addresses stands the balancer of \`local/balancer\`, a process of its
own: health checks every ${run.intervalSeconds} s as in production (so a pod leaves by deregistration, not by a failed check), connections to pods kept
and reused, ${run.deregistrationDelaySeconds} s deregistration delay. A loop in the test does the controller's part: it registers a pod
2 s after its containers are ready, or 12 s where the table says slow, opens its gate once it is healthy, and deregisters it 2 s after its
deletion, inside the ${run.preStopSeconds} s of preStop.

The deregistration delay is derived: ${run.deregistrationDelaySeconds} s is the longest request that the environment promises to let end.

Each connection keeps its own cookie, sends three GET /session and one GET /files in turn, and repeats nothing. A failure is any status
but 2xx, a reset, no answer in 10 s, or a view count that is not one more than the last: so sessions are seen to go on across pods.
A setting is changed in config and so rolls by its checksum; another image is the service's with a file more, under another tag.
Redis and PostgreSQL may take ${storeTimeoutMs / 1000} s to answer before a request fails, in place of 250 ms and 2 s, and keep
their names through 30 failed probes in place of 3: they share the machine with the load, and their pauses are not what is measured.

## What each part is worth

The same rollouts, with one part left out of the pods that end (preStop, drain) or begin (gate):

${table(['rollout', 'requests', 'failed', 'of which', 'so'], controls)}

A lull means that no request is sent for ${fixed(run.settleSeconds + 1.5)} s after a pod's deletion, and that the pod is deregistered ${run.preStopSeconds + run.settleSeconds - 1} s after it.

## What the stand-in costs

${overheadText(run)}

## What stays unproven

The real load balancer. Its controller runs in \`test/cluster/load-balancer.test.ts\`, on an emulator of AWS; how long the two take to
register and to deregister is assumed above. An Application Load Balancer has several nodes, each with connections and health checks of its own, and may learn of a change at different times. Nor was
a network that loses packets between it and the pods.
`;
}
