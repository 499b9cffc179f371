// The load: CPU burnt in the pods at a steady pace, one burn at a time on each lane, so that a lane never meets itself in a pod.
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Answer {
  /** ms since the epoch */
  sentAt: number;
  tookMs: number;
  /** CPU that it burnt, in ms; 0 when it did not. */
  burntMs: number;
  /** `busy` is 503 with the code burners_busy: the one answer that says that this test asked for too much. */
  outcome: 'ok' | 'busy' | 'refused' | 'server_error' | 'no_answer';
  /** Undefined without an answer. */
  status?: number;
  fault?: string;
}

export interface Load {
  /** CPU to burn from now on, in thousandths of a core; 0 rests. */
  pace(millis: number): void;
  /** All answers so far, in the order in which they came. */
  readonly answers: readonly Answer[];
  /** Resolves when the open requests are answered. */
  stop(): Promise<void>;
}

/** CPU of one request. */
export const burnMs = 40;
/** A single thread burns at most one core; what is above is left for waiting on the network. */
const laneMillis = 900;
/** What contention has kept it from is made up for, up to so much. */
const longestArrearsMs = 2000;
const restMs = 50;
const timeoutMs = 15_000;

/** Lanes that a load needs. */
export const lanesFor = (millis: number) => Math.max(1, Math.ceil(millis / laneMillis));

/** @param lanes burns at the same time; with more than one, two may meet in a pod */
export function startLoad(url: string, key: string, lanes = 1): Load {
  const answers: Answer[] = [];
  let millis = 0;
  let changes = 0;
  let stopped = false;

  async function lane(index: number): Promise<void> {
    let due = 0;
    let seen = -1;
    while (!stopped) {
      if (seen !== changes) due = performance.now() + (millis === 0 ? 0 : (everyMs(millis, lanes) * index) / lanes);
      seen = changes;
      if (millis === 0 || due > performance.now()) {
        await sleep(millis === 0 ? restMs : Math.min(restMs, Math.max(0, due - performance.now())));
        continue;
      }
      answers.push(await burn(url, key));
      due = Math.max(due + everyMs(millis || 1, lanes), performance.now() - longestArrearsMs);
    }
  }

  const running = Array.from({ length: lanes }, (_, index) => lane(index));
  return {
    pace(next) {
      millis = next;
      changes++;
    },
    answers,
    async stop() {
      stopped = true;
      await Promise.all(running);
    },
  };
}

const everyMs = (millis: number, lanes: number) => (burnMs * 1000 * lanes) / millis;

/** One burn on a connection of its own, which may reach any pod; never rejects. */
function burn(url: string, key: string): Promise<Answer> {
  const sentAt = Date.now();
  const from = performance.now();
  const send = url.startsWith('https:') ? requestHttps : requestHttp;
  return new Promise((resolve) => {
    const done = (rest: Pick<Answer, 'outcome' | 'status' | 'fault'>) =>
      resolve({ sentAt, tookMs: performance.now() - from, burntMs: rest.outcome === 'ok' ? burnMs : 0, ...rest });
    const failed = ({ message }: Error) => done({ outcome: 'no_answer', fault: message });
    // A web ACL may refuse who does not name itself, and Node does not.
    const headers = { 'X-API-Key': key, 'User-Agent': 'slipway-scale-test' };
    send(`${url}/load/${burnMs}`, { agent: false, headers, signal: AbortSignal.timeout(timeoutMs) }, (answer) => {
      classify(answer).then(done, failed);
    })
      .once('error', failed)
      .end();
  });
}

async function classify(answer: IncomingMessage): Promise<Pick<Answer, 'outcome' | 'status' | 'fault'>> {
  const text = Buffer.concat(await answer.toArray()).toString();
  const status = answer.statusCode ?? 0;
  if (status === 200) return { outcome: 'ok', status };
  const { code } = asProblem(text);
  if (status === 503 && code === 'burners_busy') return { outcome: 'busy', status };
  return { outcome: status >= 500 ? 'server_error' : 'refused', status, fault: code ?? text.slice(0, 100) };
}

function asProblem(text: string): { code?: string } {
  try {
    return JSON.parse(text) as { code?: string };
  } catch {
    return {};
  }
}
