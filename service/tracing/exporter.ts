// Sends spans to an OTLP receiver over HTTP. A receiver that is away costs its spans, and a line in the log a minute.
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';

/** Longest time for one batch, its retries included. */
export const exportTimeoutMs = 1500;
const logEveryMs = 60_000;

/** @param endpoint such as http://collector:4318; spans go to /v1/traces below it */
export function createExporter(endpoint: string, log: Logger): SpanExporter {
  const url = new URL('v1/traces', endpoint.endsWith('/') ? endpoint : `${endpoint}/`).href;
  const exporter = new OTLPTraceExporter({
    url,
    timeoutMillis: exportTimeoutMs,
    httpAgentOptions: { keepAlive: true },
  });
  let dropped = 0;
  let loggedMs = Number.NEGATIVE_INFINITY;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.error !== undefined) {
          dropped += spans.length;
          if (performance.now() - loggedMs > logEveryMs) {
            loggedMs = performance.now();
            log.warn({ event: 'spans_dropped', spans: dropped, error: result.error });
            dropped = 0;
          }
        }
        done(result);
      });
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  };
}
