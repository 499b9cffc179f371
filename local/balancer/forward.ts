// Passing one request to one target and its answer back, streaming both ways.
import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type Arrival, endToEnd, requestFields } from './headers.ts';
import type { Target } from './target-group.ts';

/** What became of a request: the target's status, a status of the balancer's own, or one of the ends went away. */
export type Outcome =
  /** `resent` when the target had closed the kept connection that was tried first. */
  | { by: 'target'; status: number; resent: boolean }
  | { by: 'balancer'; status: number }
  | { by: 'client' }
  | { by: 'cut' };

export interface ForwardSettings {
  /** Longest wait for a connection to a target, in ms. */
  connectMs: number;
  /** Longest silence of both ends, in ms. */
  idleMs: number;
}

const reasons: Record<number, string> = {
  408: 'Request Timeout',
  502: 'Bad Gateway',
  503: 'Service Temporarily Unavailable',
  504: 'Gateway Time-out',
};

/** How long the rest of an upload that nobody wants is read, so that its sender can read the answer before a reset. */
const lingerMs = 5000;

/** Ends an answer that has been written, when the rest of the body has been read: Node may close the connection with that end. */
function endAfterRest(asked: IncomingMessage, answer: ServerResponse): void {
  if (asked.complete) {
    answer.end();
    return;
  }
  asked.unpipe();
  const timer = setTimeout(() => asked.socket.destroy(), lingerMs).unref();
  const over = () => {
    clearTimeout(timer);
    answer.end();
  };
  asked.once('close', over).once('end', over);
  asked.resume();
}

function waitsForContinue(asked: IncomingMessage): boolean {
  return asked.headers.expect?.toLowerCase() === '100-continue';
}

/** An answer of the balancer itself, in the form of an ALB's. */
export function refuse(asked: IncomingMessage, answer: ServerResponse, status: number): void {
  const title = `${status} ${reasons[status]}`;
  const body = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`;
  // A client that waits for 100 sends no body now: what comes next would be taken for it.
  const waits = waitsForContinue(asked);
  if (waits) answer.setHeader('Connection', 'close');
  answer.writeHead(status, {
    Server: 'awselb/2.0',
    'Content-Type': 'text/html',
    'Content-Length': Buffer.byteLength(body),
  });
  answer.write(body);
  if (waits) answer.end();
  else endAfterRest(asked, answer);
}

function hasBody(asked: IncomingMessage): boolean {
  return asked.headers['transfer-encoding'] !== undefined || Number(asked.headers['content-length'] ?? 0) > 0;
}

const repeatable = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/**
 * Passes a request on. Never rejects: what goes wrong becomes an answer of the balancer (502, 504, 408) while the
 * client has not had a byte of one, and a cut connection afterwards.
 *
 * A request is sent once. The one exception: a kept connection that the target closed while it was idle, which we
 * learn of only by using it. Then the request never reached the service, and one without a body and without effects
 * of repetition goes out again on a fresh connection.
 */
export function forward(
  asked: IncomingMessage,
  answer: ServerResponse,
  target: Target,
  arrival: Arrival,
  settings: ForwardSettings,
): Promise<Outcome> {
  const fields = requestFields(asked.rawHeaders, arrival);

  return new Promise((resolve) => {
    let current: ClientRequest | undefined;
    let settled = false;
    let continued = false;
    let answered = false;
    let resent = false;
    const finish = (outcome: Outcome) => {
      if (settled) return;
      settled = true;
      end();
      resolve(outcome);
    };
    const fail = (status: number) => {
      if (settled) return;
      asked.unpipe();
      if (answer.headersSent) {
        answer.destroy();
        finish({ by: 'cut' });
      } else {
        refuse(asked, answer, status);
        finish({ by: 'balancer', status });
      }
      current?.destroy();
    };
    const end = target.begin(() => fail(502));
    answer.once('close', () => {
      if (!answer.writableFinished) {
        finish({ by: 'client' });
        current?.destroy();
      }
    });

    const send = (fresh: boolean) => {
      const outgoing = request({
        host: target.host,
        port: target.port,
        method: asked.method ?? 'GET',
        path: asked.url ?? '/',
        agent: fresh ? false : target.agent,
        setHost: false,
      });
      current = outgoing;
      for (const [name, value] of fields) outgoing.appendHeader(name, value);
      // Framing is per connection, but whether there is a body and of which length is not.
      if (asked.headers['transfer-encoding'] !== undefined) outgoing.setHeader('Transfer-Encoding', 'chunked');
      else if (asked.headers['content-length'] === undefined) {
        outgoing.removeHeader('Content-Length');
        outgoing.removeHeader('Transfer-Encoding');
      }

      const connecting = setTimeout(() => fail(504), settings.connectMs);
      outgoing.once('socket', (socket) => {
        if (socket.connecting) socket.once('connect', () => clearTimeout(connecting));
        else clearTimeout(connecting);
      });
      outgoing.once('close', () => clearTimeout(connecting));
      outgoing.setTimeout(settings.idleMs, () => fail(asked.complete ? 504 : 408));
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        const stale = outgoing.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        if (settled || answered) return;
        if (stale && !hasBody(asked) && repeatable.has(asked.method ?? '')) {
          resent = true;
          send(true);
        } else fail(502);
      });
      outgoing.once('response', (incoming) => relay(incoming, outgoing));
      if (!hasBody(asked)) outgoing.end();
      else if (waitsForContinue(asked)) {
        outgoing.flushHeaders();
        outgoing.once('continue', () => {
          continued = true;
          answer.writeContinue();
          asked.pipe(outgoing);
        });
      } else {
        outgoing.flushHeaders();
        asked.pipe(outgoing);
      }
    };

    const relay = (incoming: IncomingMessage, outgoing: ClientRequest) => {
      const status = incoming.statusCode ?? 502;
      answered = true;
      const unread = hasBody(asked) && waitsForContinue(asked) && !continued;
      answer.sendDate = false;
      const kept = endToEnd(incoming.rawHeaders).flat();
      answer.writeHead(status, incoming.statusMessage ?? '', unread ? [...kept, 'Connection', 'close'] : kept);
      answer.flushHeaders();
      incoming.once('error', () => fail(502));
      incoming.once('aborted', () => fail(502));
      answer.once('finish', () => finish({ by: 'target', status, resent }));
      incoming.once('end', () => {
        if (unread || outgoing.writableFinished) answer.end();
        else {
          endAfterRest(asked, answer);
          outgoing.destroy();
        }
      });
      incoming.pipe(answer, { end: false });
    };
    send(false);
  });
}
