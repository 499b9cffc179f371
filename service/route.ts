// A route is declared once. Router, validation, metric labels and documentation come from the declaration.
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { Logger } from 'pino';
import type * as z from 'zod';
import type { Caller, Scope } from './caller.ts';
import type { ErrorCode } from './errors.ts';
import type { Services } from './services.ts';
import type { RateLimitState } from './stores/limits.ts';

/** One request as a handler sees it: nothing of Koa, and the raw message only for bodies that are streamed. */
export interface Exchange {
  readonly message: IncomingMessage;
  readonly requestId: string;
  /** The client's address after trusted proxies, and whether it came over TLS. */
  readonly client: { readonly address: string; readonly secure: boolean };
  /** Valid W3C trace context of the request, if it had one. */
  readonly traceparent: string | undefined;
  /** Aborts when the client goes away or the request has taken LONGEST_REQUEST_SECONDS. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  /** Set on routes with a scope. */
  caller?: Caller;
  /** Takes what the rate limiter said; it is sent as RateLimit headers. */
  readonly noteRateLimit: (state: RateLimitState) => void;
}

/** What a handler answers. `body` is sent as JSON unless it is a stream. */
export interface Reply {
  status: number;
  body?: unknown;
  stream?: Readable;
  headers?: Record<string, string>;
}

/**
 * Which limit counts: `key` per API key, `address` per client address, `session` per client address inside the session's
 * own Redis round trip, `none` for health checks.
 */
export type RateLimitClass = 'key' | 'address' | 'session' | 'none';

export type Method = 'GET' | 'POST' | 'DELETE';

export interface Input<P, Q, B> {
  params: P;
  query: Q;
  body: B;
}

export interface RouteDeclaration<
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
> {
  method: Method;
  /** Path template such as /files/:id; also the metric label. GET also answers HEAD. */
  path: string;
  summary: string;
  description: string;
  /** Scope the key must have; null: no key is needed. */
  scope: Scope | null;
  rateLimit: RateLimitClass;
  /** Each is a strict object; left out, nothing is accepted there. */
  params?: P;
  query?: Q;
  /** JSON body, at most 64 KiB. */
  body?: B;
  /** Content types of a body that the handler reads from the message itself; for documentation. */
  streams?: readonly string[];
  /** By status; JSON schema of the body where there is one. */
  responses: Record<number, { description: string; schema?: z.ZodType; headers?: Record<string, string> }>;
  /** Errors of its own, beyond those that every route can answer. */
  errors?: readonly ErrorCode[];
  handle(
    input: Input<z.output<P>, z.output<Q>, z.output<B>>,
    services: Services,
    exchange: Exchange,
  ): Promise<Reply> | Reply;
}

/** Keeps the types of the schemas for the handler. */
export function route<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(
  declaration: RouteDeclaration<P, Q, B>,
): RouteDeclaration {
  return declaration as unknown as RouteDeclaration;
}
