// Carries the SDK's signed requests over node:http(s). It pumps a request's body straight from its source to the socket, which
// costs a third of the SDK's own handler's CPU, and no socket's error ever goes unheard.
import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { TLSSocket } from 'node:tls';
import { release } from '../../release.ts';

/** What the SDK hands over once it has built and signed a request. */
interface SignedRequest {
  protocol: string;
  hostname: string;
  port?: number;
  method: string;
  path: string;
  query?: Record<string, string | string[] | null>;
  headers: Record<string, string>;
  body?: unknown;
}

/** Options of one `send`, passed through by the SDK. */
export interface TransportOptions {
  abortSignal?: AbortSignal;
  /** W3C trace context, added after signing. */
  traceparent?: string;
}

interface Response {
  statusCode: number;
  reason: string | undefined;
  headers: Record<string, string>;
  body: IncomingMessage;
}

const maxSockets = 64;
const connectTimeoutMs = 2000;
/** Longest wait for the store, while it should read or answer. */
const silenceMs = 20_000;

const percentEncode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

function queryString(query: SignedRequest['query']): string {
  const pairs = Object.entries(query ?? {}).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value ?? '']).map((each) => `${percentEncode(name)}=${percentEncode(each)}`),
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function isIterable(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body;
}

/**
 * Ends a request before its time. Some stores take the orderly end of a connection for the end of the body and keep what they
 * have got so far; a reset cannot be mistaken.
 */
function cut(outgoing: ClientRequest, reason: Error): void {
  const { socket } = outgoing;
  if (socket && !socket.connecting && !socket.destroyed && !(socket instanceof TLSSocket)) socket.resetAndDestroy();
  outgoing.destroy(reason);
}

/** Frees what the socket has read, once the parser, whose listener comes first, has copied the body out of it. */
function freeReads(incoming: IncomingMessage): void {
  const { socket } = incoming;
  socket.on('data', release);
  incoming.once('close', () => socket.off('data', release));
}

/** Resolves when the chunk has been handed to the kernel, or never will be. */
function write(outgoing: ClientRequest, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    outgoing.write(chunk, () => resolve());
  });
}

/** Writes the body. Ends early, without an error of its own, when the store has answered or gone. */
async function pump(outgoing: ClientRequest, body: unknown, over: () => boolean): Promise<void> {
  if (!isIterable(body)) {
    outgoing.end(body as string | Uint8Array | undefined);
    return;
  }
  for await (const chunk of body) {
    if (over()) return;
    await write(outgoing, chunk);
  }
  if (!over()) outgoing.end();
}

function watch(outgoing: ClientRequest, signal: AbortSignal | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    let answer: IncomingMessage | undefined;
    const abort = () => cut(outgoing, new Error('aborted'));
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort);
    const connecting = setTimeout(() => cut(outgoing, new Error('connect time-out')), connectTimeoutMs);
    outgoing.on('socket', (socket) => {
      if (!socket.connecting) clearTimeout(connecting);
      else socket.once('connect', () => clearTimeout(connecting));
    });
    outgoing.setTimeout(silenceMs, () => {
      if (answer ? answer.readableLength === 0 : outgoing.writableLength > 0 || outgoing.writableEnded)
        cut(outgoing, new Error('the store is silent'));
    });
    outgoing.on('response', (incoming) => {
      answer = incoming;
      resolve(incoming);
    });
    outgoing.on('error', reject);
    outgoing.on('close', () => {
      clearTimeout(connecting);
      signal?.removeEventListener('abort', abort);
      reject(new Error('the store closed the connection'));
    });
  });
}

/**
 * A request handler for an S3 client (`requestHandler`).
 *
 * @param current W3C trace context of the moment; goes before that of the options
 */
export function createTransport(current?: () => string | undefined) {
  const options = { keepAlive: true, maxSockets, maxFreeSockets: 16, noDelay: true };
  const plain = new http.Agent(options);
  const secure = new https.Agent(options);
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    async handle(request: SignedRequest, options: TransportOptions = {}): Promise<{ response: Response }> {
      const tls = request.protocol === 'https:';
      const traceparent = current?.() ?? options.traceparent;
      const outgoing = (tls ? https : http).request({
        agent: tls ? secure : plain,
        host: request.hostname.replace(/^\[|\]$/g, ''),
        port: request.port,
        method: request.method,
        path: request.path + queryString(request.query),
        headers: { ...request.headers, ...(traceparent ? { traceparent } : {}) },
      });
      let over = false;
      const answered = watch(outgoing, options.abortSignal).finally(() => {
        over = true;
      });
      const pumped = pump(outgoing, request.body, () => over || outgoing.destroyed);
      try {
        await Promise.race([answered, pumped]);
        const incoming = await answered;
        incoming.on('error', () => undefined);
        freeReads(incoming);
        // Answered before all was sent: the connection is of no further use.
        if (!outgoing.writableEnded) incoming.on('end', () => cut(outgoing, new Error('answered early')));
        const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, `${value}`]));
        return {
          response: {
            statusCode: incoming.statusCode ?? 0,
            reason: incoming.statusMessage,
            headers,
            body: incoming,
          },
        };
      } catch (error) {
        cut(outgoing, error as Error);
        throw error;
      }
    },
    destroy() {
      plain.destroy();
      secure.destroy();
    },
  };
}
