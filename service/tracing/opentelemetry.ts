// Traces by OpenTelemetry's SDK. Loaded only where OTLP_ENDPOINT is set.
//
// The span that is open travels in an AsyncLocalStorage of our own; nothing is registered globally and nothing is patched.
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Attributes, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOnSampler, BatchSpanProcessor, ParentBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import type { Dependency, Statement } from '../calls.ts';
import type { HttpExchange } from '../exchange.ts';
import { knownMethods } from '../middleware/guard.ts';
import type { Settings } from '../settings.ts';
import { createExporter, exportTimeoutMs } from './exporter.ts';
import type { CallSpan, RequestSpan, Tracing } from './tracing.ts';

/** Spans wait for at most so long, and at most so many of them: what comes when the queue is full is dropped. */
const batchMs = 1000;
const batchSpans = 512;
const queueSpans = 4096;
/** How long the end of the process waits for the last spans. */
const closeMs = 2000;

type TracingSettings = Pick<Settings, 'INSTANCE' | 'OTEL_SERVICE_NAME' | 'S3_BUCKET'> & { OTLP_ENDPOINT: string };

function traceparentOf(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

/** Where a request comes from: its own traceparent, which the exchange has checked, or nowhere. */
function parentOf(traceparent: string | undefined) {
  if (traceparent === undefined) return ROOT_CONTEXT;
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-');
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & 1,
    isRemote: true,
  });
}

const typeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return '_OTHER';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
};

/** Stable semantic conventions for HTTP servers. The path goes without its query, as in the log. */
function describeRequest(span: Span, exchange: HttpExchange, fault: unknown): void {
  const { message, response, client, route } = exchange;
  const method = knownMethods.has(message.method ?? '') ? (message.method as string) : '_OTHER';
  const known = method === '_OTHER' ? 'HTTP' : method;
  const matched = route !== 'unmatched';
  const status = response.statusCode;
  span.updateName(matched ? `${known} ${route}` : known);
  span.setAttributes({
    'http.request.method': method,
    ...(matched ? { 'http.route': route } : {}),
    'http.response.status_code': status,
    'http.response.header.x-request-id': [exchange.requestId],
    'url.path': (message.url ?? '').split('?', 1)[0],
    'url.scheme': client.secure ? 'https' : 'http',
    'client.address': client.address,
    'network.protocol.version': message.httpVersion,
  });
  if (status >= 500) {
    span.setAttribute('error.type', fault === undefined ? `${status}` : typeOf(fault));
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
}

/** The request that an operation of the object store begins with. */
const s3Methods: Record<string, string> = {
  put: 'PutObject',
  get: 'GetObject',
  delete: 'DeleteObject',
  ping: 'HeadBucket',
};

/** What is known of a call beforehand; never the values of parameters. */
function describeCall(
  dependency: Dependency,
  operation: string,
  statement: Statement | undefined,
  bucket: string | undefined,
): Attributes {
  if (dependency === 'objects') {
    return bucket === undefined
      ? {}
      : {
          'rpc.system': 'aws-api',
          'rpc.service': 'S3',
          'rpc.method': s3Methods[operation] ?? operation,
          'aws.s3.bucket': bucket,
        };
  }
  if (dependency === 'redis') return { 'db.system.name': 'redis', 'db.operation.name': operation };
  return {
    'db.system.name': 'postgresql',
    'db.operation.name': statement?.name ?? statement?.text.trimStart().split(/\s/, 1)[0] ?? operation,
    ...(statement === undefined ? {} : { 'db.query.text': statement.text }),
  };
}

export function createTracing(settings: TracingSettings, log: Logger): Tracing {
  const { OTLP_ENDPOINT, OTEL_SERVICE_NAME, INSTANCE, S3_BUCKET } = settings;
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': OTEL_SERVICE_NAME, 'service.instance.id': INSTANCE }),
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: createExporter(OTLP_ENDPOINT, log),
        scheduledDelayMillis: batchMs,
        maxExportBatchSize: batchSpans,
        maxQueueSize: queueSpans,
        exportTimeoutMillis: exportTimeoutMs * 2,
      }),
    ],
  });
  const tracer = provider.getTracer('slipway');
  const open = new AsyncLocalStorage<Span>();

  return {
    request(exchange): RequestSpan {
      const span = tracer.startSpan('HTTP', { kind: SpanKind.SERVER }, parentOf(exchange.traceparent));
      exchange.traceparent = traceparentOf(span);
      exchange.spanId = span.spanContext().spanId;
      return {
        run: (answer) => open.run(span, answer),
        end(fault) {
          if (span.isRecording()) describeRequest(span, exchange, fault);
          span.end();
        },
      };
    },

    call(dependency, operation, statement): CallSpan | undefined {
      const parent = open.getStore();
      // What goes on in the background after its request has ended belongs to it no more.
      if (!parent?.isRecording()) return undefined;
      const attributes = describeCall(dependency, operation, statement, S3_BUCKET);
      const name = `${dependency} ${attributes['db.operation.name'] ?? operation}`;
      const span = tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, trace.setSpan(ROOT_CONTEXT, parent));
      return {
        run: (call) => open.run(span, call),
        end(error) {
          if (error !== undefined) {
            span.setAttribute('error.type', typeOf(error));
            span.setStatus({ code: SpanStatusCode.ERROR });
          }
          span.end();
        },
      };
    },

    traceparent() {
      const span = open.getStore();
      return span && traceparentOf(span);
    },

    async close() {
      let late: NodeJS.Timeout | undefined;
      const tooLong = new Promise<void>((resolve) => {
        late = setTimeout(resolve, closeMs);
      });
      await Promise.race([provider.shutdown().catch(() => undefined), tooLong]);
      clearTimeout(late);
    },
  };
}
