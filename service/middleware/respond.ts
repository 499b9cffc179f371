// Writes the answer: one writeHead with everything, straight to the response.
import { sendStream } from '../downloads/send.ts';
import { problemDetails } from '../errors.ts';
import type { HttpExchange } from '../exchange.ts';
import type { Reply } from '../route.ts';

/** On every answer. The policy allows nothing: this is an API, its answers are no pages. */
const securityHeaders = [
  'Content-Security-Policy',
  "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox",
  'X-Content-Type-Options',
  'nosniff',
  'X-Frame-Options',
  'DENY',
  'Referrer-Policy',
  'no-referrer',
  'Cross-Origin-Resource-Policy',
  'same-origin',
  'Permissions-Policy',
  'browsing-topics=()',
];
const strictTransport = ['Strict-Transport-Security', 'max-age=31536000; includeSubDomains'];

/** How long, and how much, an unread body is still read after an error answer, so that the client gets to see the answer. */
const lingerMs = 5000;
const lingerBytes = 16 * 1024 * 1024;

function headersOf(exchange: HttpExchange, reply: Reply, closing: boolean): string[] {
  const headers = securityHeaders.slice();
  headers.push('X-Request-Id', exchange.requestId);
  if (exchange.client.secure) headers.push(...strictTransport);
  if (exchange.traceparent !== undefined) headers.push('traceparent', exchange.traceparent);
  const limit = exchange.rateLimit;
  if (limit !== undefined) {
    headers.push('RateLimit-Policy', `"${limit.policy}";q=${limit.limit};w=60`);
    headers.push('RateLimit', `"${limit.policy}";r=${limit.remaining};t=${limit.resetSeconds}`);
  }
  let cacheControl = false;
  for (const name in reply.headers) {
    headers.push(name, reply.headers[name] as string);
    cacheControl ||= name === 'Cache-Control';
  }
  if (!cacheControl) headers.push('Cache-Control', 'no-store');
  if (closing) headers.push('Connection', 'close');
  return headers;
}

/**
 * Reads on, bounded, what the client is still sending.
 * @returns when that is over, or the client is gone; undefined when nothing is left to read
 */
function readRest({ message }: HttpExchange): Promise<void> | undefined {
  if (message.complete || message.destroyed) return undefined;
  return new Promise((resolve) => {
    let bytes = 0;
    const timer = setTimeout(() => message.socket.destroy(), lingerMs);
    message.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > lingerBytes) message.socket.destroy();
    });
    const over = () => {
      clearTimeout(timer);
      resolve();
    };
    message.once('end', over).once('close', over);
    message.resume();
  });
}

/**
 * @param closing whether the connection shall be closed after this answer (drain)
 * @param rest of the body, after which the answer may end: with the end of the last one on a connection Node closes it, and the
 * reset that follows on unread bytes would take the answer away from a client that is still sending
 */
export async function respond(
  exchange: HttpExchange,
  reply: Reply,
  closing: boolean,
  rest?: Promise<void>,
): Promise<void> {
  const { response, message } = exchange;
  const headers = headersOf(exchange, reply, closing);
  if (reply.stream !== undefined) {
    response.writeHead(reply.status, headers);
    if (message.method === 'HEAD') {
      reply.stream.destroy();
      response.end();
    } else await sendStream(reply.stream, response, exchange.signal);
    return;
  }
  if (reply.body === undefined) {
    if (reply.status !== 204 && reply.status !== 304 && reply.headers?.['Content-Length'] === undefined)
      headers.push('Content-Length', '0');
    response.writeHead(reply.status, headers);
    response.end();
    return;
  }
  const body = JSON.stringify(reply.body);
  if (reply.headers?.['Content-Type'] === undefined) headers.push('Content-Type', 'application/json; charset=utf-8');
  headers.push('Content-Length', `${Buffer.byteLength(body)}`);
  response.writeHead(reply.status, headers);
  if (rest === undefined) {
    response.end(message.method === 'HEAD' ? undefined : body);
    return;
  }
  if (message.method !== 'HEAD') response.write(body);
  else response.flushHeaders();
  void rest.then(() => response.end());
}

/** What is counted for a client that left before its answer: no fault of ours. Source: nginx, NGX_HTTP_CLIENT_CLOSED_REQUEST. */
const clientClosedRequest = 499;

/** Answers a thrown error; when the answer has begun already, only the connection can tell, and a client that has left nobody can. */
export async function respondProblem(
  exchange: HttpExchange,
  error: unknown,
  headers: Readonly<Record<string, string>>,
  closing: boolean,
): Promise<void> {
  const { response } = exchange;
  if (exchange.clientLeft(error) && !response.headersSent) response.statusCode = clientClosedRequest;
  if (exchange.clientLeft(error) || response.headersSent) {
    response.destroy();
    return;
  }
  const body = problemDetails(error, exchange.requestId);
  await respond(
    exchange,
    { status: body.status, body, headers: { ...headers, 'Content-Type': 'application/problem+json' } },
    closing,
    readRest(exchange),
  );
}
