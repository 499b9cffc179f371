// An OTLP/HTTP receiver: takes what an exporter sends (JSON) and keeps its spans as a test wants to read them.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  /** 2 server, 3 client. Source: SpanKind in opentelemetry/proto/trace/v1/trace.proto. */
  kind: number;
  startMs: number;
  endMs: number;
  /** 0 unset, 2 error. */
  status: number;
  attributes: Record<string, unknown>;
  resource: Record<string, unknown>;
}

interface KeyValue {
  key: string;
  value: Record<string, unknown>;
}

interface ExportRequest {
  resourceSpans: {
    resource: { attributes: KeyValue[] };
    scopeSpans: {
      spans: {
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        name: string;
        kind: number;
        startTimeUnixNano: string;
        endTimeUnixNano: string;
        status: { code: number };
        attributes: KeyValue[];
      }[];
    }[];
  }[];
}

/** stringValue, intValue (as text or number), boolValue or arrayValue. */
function plainValue(value: Record<string, unknown>): unknown {
  if ('arrayValue' in value) {
    return (value.arrayValue as { values: Record<string, unknown>[] }).values.map(plainValue);
  }
  return 'intValue' in value ? Number(value.intValue) : Object.values(value)[0];
}

const attributesOf = (list: KeyValue[]) => Object.fromEntries(list.map(({ key, value }) => [key, plainValue(value)]));
const msOf = (nanos: string) => Number(BigInt(nanos) / 1000n) / 1000;

function spansOf({ resourceSpans }: ExportRequest): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId || undefined,
        name: span.name,
        kind: span.kind,
        startMs: msOf(span.startTimeUnixNano),
        endMs: msOf(span.endTimeUnixNano),
        status: span.status.code,
        attributes: attributesOf(span.attributes),
        resource: attributesOf(resource.attributes),
      })),
    ),
  );
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

export interface OtlpReceiver {
  /** For OTLP_ENDPOINT. */
  endpoint: string;
  spans: ReceivedSpan[];
  /** Everything received, as it came. */
  texts: string[];
  close(): void;
}

/** @param answer whether requests are answered; else they are left waiting */
export async function startOtlpReceiver({ answer = true } = {}): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const texts: string[] = [];
  const server = createServer(async (message, response) => {
    const text = await textOf(message);
    if (!answer) return;
    if (message.method !== 'POST' || message.url !== '/v1/traces') {
      response.writeHead(404).end();
      return;
    }
    texts.push(text);
    spans.push(...spansOf(JSON.parse(text) as ExportRequest));
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    texts,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
