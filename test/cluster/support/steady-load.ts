// A light, steady load that counts what fails. Each request has a connection of its own, and so may reach any replica.
import { request } from 'node:http';

export interface Sample {
  /** ms since the epoch */
  sentAt: number;
  tookMs: number;
  /** Undefined when there was no whole answer; `fault` says why. */
  status?: number;
  fault?: string;
  /** Seconds, from the header of that name. */
  retryAfter?: string;
  /** Replica that answered, where the body names it. */
  instance?: string;
}

export interface SteadyLoad {
  /** What was asked for after this moment, in ms since the epoch, and has been answered or has failed. */
  since(ms: number): Sample[];
  /** Resolves with all samples when the last one is there. */
  stop(): Promise<Sample[]>;
}

/** A load balancer in front would have given up long before. */
const timeoutMs = 3000;

/** GETs `url` so many times a second until it is stopped, whether the answers come or not. */
export function steadyLoad(url: string, perSecond = 8, headers: Record<string, string> = {}): SteadyLoad {
  const samples: Sample[] = [];
  const open = new Set<Promise<void>>();
  const timer = setInterval(() => {
    const one = sample(url, headers).then((result) => {
      samples.push(result);
      open.delete(one);
    });
    open.add(one);
  }, 1000 / perSecond);
  return {
    since: (ms) => samples.filter(({ sentAt }) => sentAt >= ms),
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
      return samples;
    },
  };
}

/** One GET on a new connection; never rejects. */
export function sample(url: string, headers: Record<string, string> = {}): Promise<Sample> {
  const sentAt = Date.now();
  return new Promise((resolve) => {
    const done = (rest: Partial<Sample>) => resolve({ sentAt, tookMs: Date.now() - sentAt, ...rest });
    const failed = ({ message, name }: Error) =>
      done({ fault: name === 'TimeoutError' ? 'no answer in time' : message });
    request(url, { agent: false, headers, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.once('error', failed);
      response.once('end', () => {
        const instance = /"instance":"([^"]+)"/.exec(text)?.[1];
        const retryAfter = response.headers['retry-after'];
        done({
          status: response.statusCode ?? 0,
          ...(instance === undefined ? {} : { instance }),
          ...(retryAfter === undefined ? {} : { retryAfter }),
        });
      });
    })
      .once('error', failed)
      .end();
  });
}

/** Those that were not answered 2xx. */
export const failures = (samples: readonly Sample[]) =>
  samples.filter(({ status = 0 }) => status < 200 || status >= 300);

/** Longest time without a good answer, in ms, from the first sample to the last. */
export function longestGapMs(samples: readonly Sample[]): number {
  const moments = samples
    .filter(({ status }) => status === 200)
    .map(({ sentAt, tookMs }) => sentAt + tookMs)
    .sort((a, b) => a - b);
  const sent = samples.map(({ sentAt }) => sentAt);
  const all = [Math.min(...sent), ...moments, Math.max(...sent)];
  return Math.max(...all.slice(1).map((moment, index) => moment - (all[index] as number)));
}
