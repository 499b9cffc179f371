// Traces as a real OTLP receiver gets them: spans, their parents, and what they must not hold.
import { randomBytes } from 'node:crypto';
import http, { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { freePort } from '../../local/ports.ts';
import { ask, json, SessionClient } from '../support/client.ts';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp.ts';
import type { ServiceProcess } from '../support/service.ts';
import { sendUpload } from '../support/uploads.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, describeS3, endWorld, type World } from '../support/world.ts';

const [server, client] = [2, 3];
const traceIdOf = (answer: { headers: Headers }) => (answer.headers.get('traceparent') ?? '').split('-')[1] ?? '';

let world: World;
let receiver: OtlpReceiver;
let service: ServiceProcess;

beforeAll(async () => {
  world = await createWorld();
  receiver = await startOtlpReceiver();
  service = await world.start({ OTLP_ENDPOINT: receiver.endpoint, OTEL_SERVICE_NAME: 'slipway-test' });
});

afterAll(async () => {
  await endWorld();
  receiver.close();
});

/** All spans of a trace, once its server span has come. */
async function traceOf(traceId: string, from: OtlpReceiver = receiver): Promise<ReceivedSpan[]> {
  const found = () => from.spans.filter((span) => span.traceId === traceId);
  await waitFor(`the server span of ${traceId}`, () => found().some(({ kind }) => kind === server));
  return found();
}

/** The server span and its children by name, each of which must lie within it. */
function familyOf(spans: readonly ReceivedSpan[]) {
  const [root] = spans.filter(({ kind }) => kind === server);
  if (root === undefined) throw new Error('there is no server span');
  const children = spans.filter((span) => span !== root);
  for (const child of children) {
    expect(child).toMatchObject({ parentSpanId: root.spanId, kind: client });
    expect(child.startMs).toBeGreaterThanOrEqual(root.startMs);
    expect(child.endMs).toBeGreaterThanOrEqual(child.startMs);
  }
  return { root, names: children.map(({ name }) => name), children };
}

describe('traces', () => {
  it('GET /session: a server span by the conventions for HTTP, with the script as its child', async () => {
    const answer = await ask(`${service.url}/session?token=hidden-in-query`, {
      headers: { 'X-Request-Id': 'traced-session' },
    });
    expect(answer.status).toBe(422);
    const good = await ask(`${service.url}/session`, { headers: { 'X-Request-Id': 'traced-session' } });
    const { root, children } = familyOf(await traceOf(traceIdOf(good)));
    expect(root).toMatchObject({
      name: 'GET /session',
      parentSpanId: undefined,
      status: 0,
      attributes: {
        'http.request.method': 'GET',
        'http.route': '/session',
        'http.response.status_code': 200,
        'http.response.header.x-request-id': ['traced-session'],
        'url.path': '/session',
        'url.scheme': 'http',
        'client.address': '127.0.0.1',
      },
      resource: { 'service.name': 'slipway-test', 'service.instance.id': expect.any(String) },
    });
    expect(children).toEqual([
      expect.objectContaining({
        name: 'redis slipwayView',
        attributes: { 'db.system.name': 'redis', 'db.operation.name': 'slipwayView' },
      }),
    ]);
  });

  it('the answer names the server span, and the log both ids', async () => {
    const answer = await ask(`${service.url}/session`, { headers: { 'X-Request-Id': 'joined-by-id' } });
    const [, traceId, spanId, flags] = (answer.headers.get('traceparent') ?? '').split('-');
    expect(flags).toBe('01');
    await waitFor('the access event', () => service.logs.some(({ requestId }) => requestId === 'joined-by-id'));
    expect(service.logs.find(({ requestId }) => requestId === 'joined-by-id')).toMatchObject({
      event: 'access',
      traceId,
      spanId,
    });
    const { root } = familyOf(await traceOf(traceId ?? ''));
    expect(root.spanId).toBe(spanId);
  });

  it('an incoming traceparent is the parent; one that is not sampled makes no spans', async () => {
    const [traceId, parent, unsampled] = [16, 8, 16].map((bytes) => randomBytes(bytes).toString('hex'));
    const quiet = await ask(`${service.url}/session`, { headers: { traceparent: `00-${unsampled}-${parent}-00` } });
    expect(quiet.headers.get('traceparent')).toMatch(new RegExp(`^00-${unsampled}-[0-9a-f]{16}-00$`));
    await ask(`${service.url}/session`, { headers: { traceparent: `00-${traceId}-${parent}-01` } });
    const { root } = familyOf(await traceOf(traceId ?? ''));
    expect(root.parentSpanId).toBe(parent);
    expect(receiver.spans.filter((span) => span.traceId === unsampled)).toEqual([]);
  });

  it('POST /upload, GET /files/:id and DELETE: limit, statements and store, without any value', async () => {
    const headers = { 'X-API-Key': world.adminKey, 'Content-Disposition': 'attachment; filename="secret-name.bin"' };
    const uploaded = await sendUpload(
      service.url,
      { ...headers, 'Content-Type': 'application/octet-stream' },
      'some bytes',
    );
    expect(uploaded.status).toBe(201);
    const upload = familyOf(await traceOf(`${uploaded.headers.traceparent}`.split('-')[1] ?? ''));
    expect(upload.root.name).toBe('POST /upload');
    expect(upload.names).toEqual([
      'redis slipwayLimit',
      'postgres key-by-id',
      'redis slipwayLimit',
      'postgres file-insert',
      'objects put',
      'postgres connect',
      'postgres BEGIN',
      'postgres file-complete',
      'postgres COMMIT',
    ]);
    const insert = upload.children.find(({ name }) => name === 'postgres file-insert');
    expect(insert?.attributes).toEqual({
      'db.system.name': 'postgresql',
      'db.operation.name': 'file-insert',
      'db.query.text': 'INSERT INTO files (id) VALUES ($1)',
    });

    const got = await ask(`${service.url}${uploaded.body.url}`, { headers });
    expect(got.status).toBe(200);
    const download = familyOf(await traceOf(traceIdOf(got)));
    expect(download.root).toMatchObject({ name: 'GET /files/:id', attributes: { 'url.path': uploaded.body.url } });
    expect(download.names).toEqual(['redis slipwayLimit', 'postgres file-find', 'objects get']);

    const removed = await ask(`${service.url}${uploaded.body.url}`, { method: 'DELETE', headers });
    expect(removed.status).toBe(204);
    const removal = familyOf(await traceOf(traceIdOf(removed)));
    expect(removal.names).toContain('objects delete');

    const sessions = new SessionClient();
    await sessions.view(service.url);
    const named = await sessions.send(`${service.url}/session`, json({ user: 'secret-user' }));
    await traceOf(traceIdOf(named));
    const all = receiver.texts.join('\n');
    for (const secret of [
      world.adminKey,
      sessions.cookie.split('=')[1] ?? '',
      'secret-user',
      'secret-name',
      'hidden-in-query',
    ]) {
      expect(secret).not.toBe('');
      expect(all).not.toContain(secret);
    }
  });

  it('an unknown path and method stay out of the names', async () => {
    const missing = await ask(`${service.url}/no/such/path`);
    const { root } = familyOf(await traceOf(traceIdOf(missing)));
    expect(root).toMatchObject({ name: 'GET', status: 0, attributes: { 'http.response.status_code': 404 } });
    expect(root.attributes).not.toHaveProperty(['http.route']);
    const odd = await ask(`${service.url}/session`, { method: 'PROPFIND' });
    const unknown = familyOf(await traceOf(traceIdOf(odd)));
    expect(unknown.root).toMatchObject({ name: 'HTTP', attributes: { 'http.request.method': '_OTHER' } });
  });

  it('a lost dependency shows in the span of its call and in that of the request', async () => {
    const lonely = await world.start({
      OTLP_ENDPOINT: receiver.endpoint,
      REDIS_URL: `redis://127.0.0.1:${await freePort()}`,
    });
    const answer = await ask(`${lonely.url}/session`);
    expect(answer.status).toBe(503);
    const { root, children } = familyOf(await traceOf(traceIdOf(answer)));
    expect(root).toMatchObject({ status: 2, attributes: { 'error.type': 'sessions_unavailable' } });
    expect(children).toEqual([expect.objectContaining({ name: 'redis slipwayView', status: 2 })]);
    await lonely.stop();
  });

  it('probes make no spans, and what is left is sent at the end', async () => {
    const last = await world.start({ OTLP_ENDPOINT: receiver.endpoint, INSTANCE: 'traced-last' });
    for (const path of ['/live', '/health']) {
      const answer = await ask(`${last.url}${path}`);
      expect([answer.status, answer.headers.get('traceparent')]).toEqual([200, null]);
    }
    await ask(`${last.url}/session`);
    expect(await last.stop()).toBe(0);
    const own = receiver.spans.filter(({ resource }) => resource['service.instance.id'] === 'traced-last');
    expect(own.map(({ name }) => name).sort()).toEqual(['GET /session', 'redis slipwayView']);
  });

  it.each(['away', 'silent'] as const)(
    'a receiver that is %s costs its spans, a line in the log, nothing else',
    async (how) => {
      const silent = how === 'silent' ? await startOtlpReceiver({ answer: false }) : undefined;
      const endpoint = silent?.endpoint ?? `http://127.0.0.1:${await freePort()}`;
      const blind = await world.start({ OTLP_ENDPOINT: endpoint });
      const dropped = () => blind.logs.filter(({ event }) => event === 'spans_dropped');
      await waitFor('the loss', async () => {
        expect((await ask(`${blind.url}/session`)).status).toBe(200);
        return dropped().length > 0;
      });
      for (let i = 0; i < 20; i++) expect((await ask(`${blind.url}/session`)).status).toBe(200);
      expect(await blind.stop()).toBe(0);
      expect(blind.logs.at(-1)).toMatchObject({ event: 'stopped' });
      expect(dropped()).toEqual([expect.objectContaining({ level: 'warn', spans: expect.any(Number) })]);
      silent?.close();
    },
  );
});

describe('without OTLP_ENDPOINT', () => {
  it('there is no span: a traceparent comes back as it was', async () => {
    const plain = await world.start();
    const traceparent = `00-${randomBytes(16).toString('hex')}-00f067aa0ba902b7-01`;
    const answer = await ask(`${plain.url}/session`, { headers: { traceparent, 'X-Request-Id': 'traces-are-off' } });
    expect(answer.headers.get('traceparent')).toBe(traceparent);
    await waitFor('the access event', () => plain.logs.some(({ requestId }) => requestId === 'traces-are-off'));
    expect(plain.logs.find(({ requestId }) => requestId === 'traces-are-off')).not.toHaveProperty('spanId');
    await plain.stop();
  });
});

describeS3('with S3', () => {
  it('each request to the store carries the context of its own span', async () => {
    const environment = await world.s3Environment();
    const seen: { method: string | undefined; traceparent: string | undefined }[] = [];
    // In front of the real store, only to note what it is sent.
    const { hostname, port } = new URL(environment.S3_ENDPOINT ?? '');
    const relay = createServer((message, response) => {
      seen.push({ method: message.method, traceparent: message.headers.traceparent as string | undefined });
      const onward = http.request({
        host: hostname,
        port,
        method: message.method,
        path: message.url,
        headers: message.headers,
      });
      onward.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      message.pipe(onward);
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    const replica = await world.start({
      ...environment,
      OBJECTS_DIR: undefined,
      S3_ENDPOINT: `http://127.0.0.1:${(relay.address() as AddressInfo).port}`,
      OTLP_ENDPOINT: receiver.endpoint,
    });
    const headers = { 'X-API-Key': world.adminKey, 'Content-Disposition': 'attachment; filename="a.bin"' };
    const { status, headers: answered } = await sendUpload(replica.url, headers, 'bytes');
    expect(status).toBe(201);
    const { children } = familyOf(await traceOf(`${answered.traceparent}`.split('-')[1] ?? ''));
    const put = children.find(({ name }) => name === 'objects put');
    expect(put?.attributes).toEqual({
      'rpc.system': 'aws-api',
      'rpc.service': 'S3',
      'rpc.method': 'PutObject',
      'aws.s3.bucket': environment.S3_BUCKET,
    });
    expect(seen.filter(({ method }) => method === 'PUT')).toEqual([
      { method: 'PUT', traceparent: `00-${put?.traceId}-${put?.spanId}-01` },
    ]);
    await replica.stop();
    relay.close();
    relay.closeAllConnections();
  });
});
