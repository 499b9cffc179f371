// A load balancer that behaves as an AWS Application Load Balancer does, for one listener and one target group.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type ForwardSettings, forward, type Outcome, refuse } from './forward.ts';
import type { Health, HealthCheckSettings } from './health.ts';
import { type TargetAddress, type TargetView, targetGroup } from './target-group.ts';

export interface BalancerOptions {
  /** Default 0, any free port. */
  port?: number;
  /** Default 127.0.0.1. */
  host?: string;
  targets?: readonly TargetAddress[];
  /** Default: /health each second, 1 s time-out, 2 successes, 2 failures. */
  health?: Partial<HealthCheckSettings>;
  /** How long requests of a deregistered target may go on, in ms; default 35000. */
  deregistrationDelayMs?: number;
  /** Longest silence of a connection, in ms; default 60000, as an ALB's. */
  idleMs?: number;
  /** Longest wait for a connection to a target, in ms; default 10000, as an ALB's. */
  connectMs?: number;
  /** Told of each change of a target's health. */
  changed?: (target: TargetAddress, health: Health, reason: string) => void;
}

/** How many requests had which end. */
export interface BalancerCounters {
  requests: number;
  /** Answers of targets, by status. */
  target: Record<number, number>;
  /** Answers of the balancer itself, by status: 408, 502, 503, 504. */
  balancer: Record<number, number>;
  /** The client went away first. */
  clientAborts: number;
  /** The target went away in the middle of its answer, so that the client's connection was cut. */
  cuts: number;
  /** Requests that went out a second time, because the target had closed the kept connection that was tried first. */
  resent: number;
}

export interface Balancer {
  readonly port: number;
  /** http://HOST:PORT */
  readonly url: string;
  setTargets(targets: readonly TargetAddress[]): void;
  targets(): TargetView[];
  counters(): BalancerCounters;
  /** Takes no new connections, lets requests end for `graceMs` (default 0), then cuts the rest. */
  close(graceMs?: number): Promise<void>;
}

/**
 * Starts the balancer. A target gets requests once it is healthy, in turns per request. Unlike an ALB, which then asks
 * all targets, it answers 503 when every target is unhealthy: what is not ready is never asked.
 *
 * @throws EADDRINUSE and the like when it cannot listen
 */
export async function startBalancer(options: BalancerOptions = {}): Promise<Balancer> {
  const { host = '127.0.0.1', idleMs = 60_000, connectMs = 10_000, deregistrationDelayMs = 35_000 } = options;
  const health: HealthCheckSettings = {
    ...{ path: '/health', intervalMs: 1000, timeoutMs: 1000, healthyThreshold: 2, unhealthyThreshold: 2 },
    ...options.health,
  };
  const settings: ForwardSettings = { connectMs, idleMs };
  const group = targetGroup(health, idleMs, deregistrationDelayMs, options.changed ?? (() => {}));
  const counters: BalancerCounters = { requests: 0, target: {}, balancer: {}, clientAborts: 0, cuts: 0, resent: 0 };

  const count = (outcome: Outcome) => {
    if (outcome.by === 'client') counters.clientAborts++;
    else if (outcome.by === 'cut') counters.cuts++;
    else {
      counters[outcome.by][outcome.status] = (counters[outcome.by][outcome.status] ?? 0) + 1;
      if (outcome.by === 'target' && outcome.resent) counters.resent++;
    }
  };
  const inFlight = new Set<ServerResponse>();
  let closing = false;
  const handle = async (asked: IncomingMessage, answer: ServerResponse) => {
    counters.requests++;
    inFlight.add(answer);
    if (closing) answer.shouldKeepAlive = false;
    answer.once('close', () => {
      inFlight.delete(answer);
      // Node keeps a connection whose answer said so, even when the server is closed.
      if (closing) setImmediate(() => server.closeIdleConnections());
    });
    const target = group.next();
    if (!target) {
      refuse(asked, answer, 503);
      count({ by: 'balancer', status: 503 });
      return;
    }
    const arrival = { address: asked.socket.remoteAddress ?? '', port: asked.socket.localPort ?? 0 };
    count(await forward(asked, answer, target, arrival, settings));
  };
  const server = createServer({
    keepAliveTimeout: idleMs,
    headersTimeout: idleMs,
    // Uploads may take as long as they go on; silence is measured towards the target.
    requestTimeout: 0,
    maxHeaderSize: 64 * 1024,
  });
  server.on('request', handle).on('checkContinue', handle);
  server.on('clientError', (_error, socket) => refuseConnection(socket as Socket));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  group.set(options.targets ?? []);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://${host}:${port}`,
    setTargets: (targets) => group.set(targets),
    targets: () => group.view(),
    counters: () => structuredClone(counters),
    close: async (graceMs = 0) => {
      closing = true;
      for (const answer of inFlight) if (!answer.headersSent) answer.shouldKeepAlive = false;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(timer);
      group.close();
    },
  };
}

function refuseConnection(socket: Socket): void {
  if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  else socket.destroy();
}
