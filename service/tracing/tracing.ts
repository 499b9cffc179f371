// Traces as the rest of the service sees them. They are off, and nothing of OpenTelemetry is loaded, unless OTLP_ENDPOINT is set.
import type { Logger } from 'pino';
import type { Dependency, Statement } from '../calls.ts';
import type { HttpExchange } from '../exchange.ts';
import type { Settings } from '../settings.ts';

/** The server span of one request. */
export interface RequestSpan {
  /** Runs the answering of the request; calls made in it become children. */
  run<T>(answer: () => Promise<T>): Promise<T>;
  /** Call once the answer has been written or has failed. @param fault what was thrown */
  end(fault: unknown): void;
}

export interface CallSpan {
  run<T>(call: () => Promise<T>): Promise<T>;
  /** @param error what the dependency failed with */
  end(error?: unknown): void;
}

export interface Tracing {
  /** Begins the span of a request, as a child of what its traceparent names, and tells the exchange its ids. */
  request(exchange: HttpExchange): RequestSpan;
  /** Begins a span; undefined outside of a request, and in one that is not sampled. */
  call(dependency: Dependency, operation: string, statement?: Statement): CallSpan | undefined;
  /** W3C trace context of the span that is open here, to be sent along. */
  traceparent(): string | undefined;
  /** Sends what is left, for 2 s at most. Never rejects. */
  close(): Promise<void>;
}

/** Undefined when traces are off. */
export async function openTracing(
  settings: Pick<Settings, 'OTLP_ENDPOINT' | 'INSTANCE' | 'OTEL_SERVICE_NAME' | 'S3_BUCKET'>,
  log: Logger,
): Promise<Tracing | undefined> {
  const { OTLP_ENDPOINT } = settings;
  if (OTLP_ENDPOINT === undefined) return undefined;
  return (await import('./opentelemetry.ts')).createTracing({ ...settings, OTLP_ENDPOINT }, log);
}
