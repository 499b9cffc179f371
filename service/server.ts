// The HTTP servers: time-outs, and answers to what is not even a request.
import { randomUUID } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type ErrorCode, Problem, problemDetails } from './errors.ts';
import type { Metrics } from './metrics.ts';
import type { Settings } from './settings.ts';

/** A load balancer closes idle connections first; else it may send into one that is being closed here. */
const keepAliveMarginSeconds = 15;
/** A load balancer sends headers in one piece; anybody else gets this long for them. */
const headersTimeoutMs = 20_000;
const maxHeaderBytes = 16 * 1024;
/** How long a refused tunnel may stay open before it is cut. */
const refusedLingerMs = 2000;

const codes: Record<string, ErrorCode> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
};

/** The answer that is under way on a connection; Node has no public name for it. */
type ServerSocket = Socket & { _httpMessage?: { headersSent: boolean; req: { complete: boolean } } };

/**
 * Answers on a bare socket, for what never became a request, and closes it. While an earlier request of the same connection
 * is being answered, the client would take this for that answer: then it is only closed.
 */
function refuse(socket: ServerSocket, code: ErrorCode, metrics: Metrics): void {
  metrics.refused(code);
  const earlier = socket._httpMessage;
  if (!socket.writable || earlier?.headersSent || earlier?.req.complete) {
    socket.destroy();
    return;
  }
  const details = problemDetails(new Problem(code), randomUUID());
  const body = JSON.stringify(details);
  socket.end(
    [
      `HTTP/1.1 ${details.status} ${details.title}`,
      'Content-Type: application/problem+json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      `X-Request-Id: ${details.requestId}`,
      'Cache-Control: no-store',
      'X-Content-Type-Options: nosniff',
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}

export function createApiServer(
  settings: Pick<Settings, 'LOAD_BALANCER_IDLE_SECONDS' | 'LONGEST_REQUEST_SECONDS'>,
  metrics: Metrics,
): Server {
  const server = createServer({
    keepAliveTimeout: (settings.LOAD_BALANCER_IDLE_SECONDS + keepAliveMarginSeconds) * 1000,
    headersTimeout: Math.min(headersTimeoutMs, settings.LONGEST_REQUEST_SECONDS * 1000),
    requestTimeout: settings.LONGEST_REQUEST_SECONDS * 1000,
    connectionsCheckingInterval: 1000,
    maxHeaderSize: maxHeaderBytes,
    requireHostHeader: false, // the guard answers it, as a problem
    noDelay: true,
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET') socket.destroy();
    else refuse(socket as Socket, codes[error.code ?? ''] ?? 'malformed_request', metrics);
  });
  server.on('connect', (_, socket) => {
    // From here on Node looks after this socket no more: neither its errors nor its time-outs.
    socket.on('error', () => undefined);
    refuse(socket as Socket, 'method_not_implemented', metrics);
    socket.resume();
    const late = setTimeout(() => socket.destroy(), refusedLingerMs);
    socket.once('close', () => clearTimeout(late));
  });
  server.on('checkExpectation', (message, response) => {
    response.shouldKeepAlive = false;
    refuse(message.socket, 'expectation_failed', metrics);
  });
  return server;
}

/** /metrics, and nothing else. */
export function createMetricsServer(metrics: Metrics): Server {
  const listener: RequestListener = async (message, response) => {
    if (message.method !== 'GET' || message.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    await metrics.registry.metrics().then(
      (body) => response.writeHead(200, { 'Content-Type': metrics.registry.contentType }).end(body),
      () => response.writeHead(500).end(),
    );
  };
  return createServer(listener);
}

/** @returns the port it listens on. @throws the system's error, e.g. EADDRINUSE */
export function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
