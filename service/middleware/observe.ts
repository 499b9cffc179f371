// One access event and one measurement for each request.
import type { Logger } from 'pino';
import type { HttpExchange } from '../exchange.ts';
import type { Metrics } from '../metrics.ts';

/** Of a problem that of docs/errors.md; a client that has gone saw no answer, whatever the status. */
function codeOf(exchange: HttpExchange, error: unknown): string | undefined {
  if (error === undefined) return undefined;
  if (exchange.clientLeft(error)) return 'client_left';
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'internal';
}

/** Call once, when the answer has been written or has failed. */
export function observe(exchange: HttpExchange, log: Logger, metrics: Metrics, error: unknown): void {
  const { message, response, client, caller } = exchange;
  const durationMs = performance.now() - exchange.start;
  const method = message.method ?? '';
  metrics.request(method, exchange.route, response.statusCode, durationMs / 1000);
  const url = message.url ?? '';
  const query = url.indexOf('?');
  log.info({
    event: 'access',
    requestId: exchange.requestId,
    traceId: exchange.traceId,
    spanId: exchange.spanId,
    method,
    route: exchange.route,
    path: query === -1 ? url : url.slice(0, query),
    status: response.statusCode,
    durationMs: Math.round(durationMs * 100) / 100,
    client: client.address,
    keyId: caller?.keyId,
    code: codeOf(exchange, error),
  });
}
