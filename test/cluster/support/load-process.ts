// The load: a process with keep-alive connections, each with a session of its own and one request at a time, paced, none sent twice.
import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface LoadTarget {
  /** http://HOST:PORT */
  url: string;
  /** Asked for in turn. */
  paths: readonly string[];
  headers: Readonly<Record<string, string>>;
  connections: number;
  /** Over all connections; less when answers take longer than the pace allows. */
  requestsPerSecond: number;
}

export interface LoadFailure {
  /** ISO time of the failure. */
  at: string;
  path: string;
  reason: string;
}

export interface LoadReport {
  seconds: number;
  /** Answers and failures. */
  requests: number;
  failed: number;
  /** The first hundred. */
  failures: LoadFailure[];
  /** Connections opened so far; more than `connections` when one was closed on us. */
  opened: number;
  /** Pods that answered /session. */
  instances: number;
  /** Of answers, in ms. */
  medianMs: number;
  p99Ms: number;
}

/** Sent to this process: first the target; `pauseMs` sends nothing for so long; the report comes back. */
export type LoadMessage = { target: LoadTarget } | { pauseMs: number } | 'report' | 'end';

/** Longer than any answer may take. */
const timeoutMs = 10_000;
const keptFailures = 100;

const latencies: number[] = [];
const failures: LoadFailure[] = [];
const instances = new Set<string>();
let started = 0;
let failed = 0;
let opened = 0;
let pausedUntil = 0;
let ending = false;

interface Answer {
  cookie: string | undefined;
  text: string;
}

function ask(target: LoadTarget, agent: Agent, path: string, cookie: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { ...target.headers, ...(cookie === '' ? {} : { Cookie: cookie }) };
    const asked = request(`${target.url}${path}`, { agent, headers, timeout: timeoutMs }, (answer) => {
      read(answer).then(resolve, reject);
    });
    asked.once('socket', () => {
      if (!asked.reusedSocket) opened++;
    });
    asked.once('timeout', () => asked.destroy(new Error(`no answer in ${timeoutMs} ms`)));
    asked.once('error', reject);
    asked.end();
  });
}

async function read(answer: IncomingMessage): Promise<Answer> {
  const text = Buffer.concat(await answer.toArray()).toString();
  const status = answer.statusCode ?? 0;
  if (status < 200 || status > 299) throw new Error(`status ${status} by ${answer.headers.server ?? codeOf(text)}`);
  return { cookie: answer.headers['set-cookie']?.[0]?.split(';')[0], text };
}

/** What the service says of a failure: the code of its problem details. */
const codeOf = (text: string) => `the service (${/"code":"(\w+)"/.exec(text)?.[1] ?? 'no code'})`;

/** One connection with its cookie, which counts its own views and so knows what the service must answer. */
async function client(target: LoadTarget, index: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const everyMs = (1000 * target.connections) / target.requestsPerSecond;
  let due = performance.now() + (everyMs * index) / target.connections;
  let cookie = '';
  let views: number | undefined = 0;
  for (let turn = index; !ending; turn++) {
    await sleep(Math.max(0, due - performance.now(), pausedUntil - performance.now()));
    if (performance.now() < pausedUntil) continue;
    due = Math.max(due + everyMs, performance.now());
    const path = target.paths[turn % target.paths.length] as string;
    const from = performance.now();
    try {
      const answer = await ask(target, agent, path, cookie);
      latencies.push(performance.now() - from);
      cookie = answer.cookie ?? cookie;
      if (path !== '/session') continue;
      const body = JSON.parse(answer.text) as { views: number; instance: string };
      instances.add(body.instance);
      const expected: number | undefined = views;
      views = body.views;
      if (expected !== undefined && views !== expected + 1) throw new Error(`${views} views after ${expected}`);
    } catch (error) {
      failed++;
      // After a request without an answer nobody knows whether it was counted.
      if (path === '/session') views = undefined;
      const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
      if (failures.length < keptFailures) failures.push({ at: new Date().toISOString(), path, reason });
    }
  }
  agent.destroy();
}

function report(): LoadReport {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? 0;
  return {
    seconds: (performance.now() - started) / 1000,
    requests: latencies.length + failed,
    failed,
    failures,
    opened,
    instances: instances.size,
    medianMs: at(0.5),
    p99Ms: at(0.99),
  };
}

let clients: Promise<void>[] = [];
process.on('message', async (message: LoadMessage) => {
  if (message === 'end') {
    ending = true;
    await Promise.all(clients);
    process.send?.(report(), () => process.disconnect());
  } else if (message === 'report') process.send?.(report());
  else if ('pauseMs' in message) pausedUntil = performance.now() + message.pauseMs;
  else {
    started = performance.now();
    clients = Array.from({ length: message.target.connections }, (_, index) => client(message.target, index));
  }
});
// Also when the test is killed.
process.on('disconnect', () => process.exit());
