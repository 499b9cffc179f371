// One request as the handlers see it: made first, used by everything after.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Caller } from './caller.ts';
import type { Exchange } from './route.ts';
import type { RateLimitState } from './stores/limits.ts';

const requestIdPattern = /^[\w.:-]{8,128}$/;
/** W3C Trace Context, version 00: neither id may be all zeros. */
const traceparentPattern = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** One header, if it was sent once. */
export function header(message: IncomingMessage, name: string): string | undefined {
  const value = message.headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** The client behind `hops` trusted proxies, each of which appends to X-Forwarded-For. */
function clientOf(message: IncomingMessage, hops: number): { address: string; secure: boolean } {
  const peer = message.socket.remoteAddress ?? '';
  const address = peer.startsWith('::ffff:') ? peer.slice(7) : peer;
  if (hops === 0) return { address, secure: false };
  const secure = header(message, 'x-forwarded-proto') === 'https';
  const forwarded = header(message, 'x-forwarded-for');
  if (forwarded === undefined) return { address, secure };
  const first = hops === 1 ? forwarded.slice(forwarded.lastIndexOf(',') + 1) : forwarded.split(',').at(-hops);
  return { address: (first ?? forwarded.split(',')[0] ?? '').trim(), secure };
}

/** What differs between services, not between requests. */
export interface ExchangeOptions {
  log: Logger;
  trustedProxyHops: number;
  longestRequestMs: number;
}

export class HttpExchange implements Exchange {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  readonly client: { readonly address: string; readonly secure: boolean };
  /** That of the request; with traces on, that of its server span, which is `spanId`. */
  traceparent: string | undefined;
  spanId: string | undefined;
  readonly start = performance.now();
  /** Path template of the route, for metrics and logs. */
  route = 'unmatched';
  caller?: Caller;
  rateLimit?: RateLimitState;
  /** Called by stores that count a request against a limit. */
  readonly noteRateLimit = (state: RateLimitState): void => {
    this.rateLimit = state;
  };
  readonly #options: ExchangeOptions;
  #log: Logger | undefined;
  #abort: AbortController | undefined;

  constructor(message: IncomingMessage, response: ServerResponse, options: ExchangeOptions) {
    this.message = message;
    this.response = response;
    this.#options = options;
    const requestId = header(message, 'x-request-id');
    this.requestId = requestId !== undefined && requestIdPattern.test(requestId) ? requestId : randomUUID();
    const traceparent = header(message, 'traceparent');
    this.traceparent = traceparent !== undefined && traceparentPattern.test(traceparent) ? traceparent : undefined;
    this.client = clientOf(message, options.trustedProxyHops);
  }

  get traceId(): string | undefined {
    return this.traceparent?.slice(3, 35);
  }

  get log(): Logger {
    this.#log ??= this.#options.log.child({ requestId: this.requestId, traceId: this.traceId, spanId: this.spanId });
    return this.#log;
  }

  /** Whether that was thrown because the client went away: nobody to answer, and nothing to log. */
  clientLeft(error: unknown): boolean {
    return error instanceof DOMException && error.name === 'AbortError';
  }

  /** Whether that was thrown because the request took longer than it may. */
  timedOut(error: unknown): boolean {
    return error === this.#abort?.signal.reason && error instanceof DOMException && error.name === 'TimeoutError';
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      const left = this.#options.longestRequestMs - (performance.now() - this.start);
      const timer = setTimeout(() => abort.abort(new DOMException('the request took too long', 'TimeoutError')), left);
      const gone = () => {
        clearTimeout(timer);
        if (!this.response.writableFinished) abort.abort(new DOMException('the client went away', 'AbortError'));
      };
      if (this.response.destroyed) gone();
      else this.response.once('close', gone);
    }
    return this.#abort.signal;
  }
}
