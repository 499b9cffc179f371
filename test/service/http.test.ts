import { connect } from 'node:net';
import { ask, json } from '../support/client.ts';
import { sendRaw, sendThenRead } from '../support/raw.ts';
import type { LogLine, ServiceProcess } from '../support/service.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';

describe('every answer', () => {
  let world: World;
  let service: ServiceProcess;
  let headers: Record<string, string>;

  beforeAll(async () => {
    world = await createWorld();
    service = await world.start({ INSTANCE: 'http', TRUSTED_PROXY_HOPS: '1', ALLOWED_HOSTS: '127.0.0.1,app.example' });
    headers = { 'X-API-Key': world.adminKey };
  });
  afterAll(endWorld);

  const logged = async (match: (line: LogLine) => boolean): Promise<LogLine> => {
    await waitFor('the log line', () => service.logs.some(match));
    return service.logs.find(match) as LogLine;
  };

  it('can be read, if it is an early refusal, by a client that sends everything first and wants the connection closed', async () => {
    const body = Buffer.alloc(4 * 1024 * 1024);
    const refusal = await sendThenRead(
      service.port,
      `POST /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-Request-Id: sends-on-and-on\r\nContent-Length: ${body.length}\r\n\r\n`,
      () => logged(({ requestId }) => requestId === 'sends-on-and-on'),
      body,
    );
    expect(refusal).toMatch(/^HTTP\/1\.1 401 [\s\S]*"key_missing"/);
  });

  it('has security headers, and a policy that allows nothing', async () => {
    for (const path of ['/', '/session', '/nowhere', '/files']) {
      const answer = await ask(service.url + path);
      expect(Object.fromEntries(answer.headers)).toMatchObject({
        'content-security-policy': expect.stringContaining("default-src 'none'"),
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-store',
      });
      expect(answer.headers.get('x-powered-by')).toBeNull();
      expect(answer.headers.get('server')).toBeNull();
    }
  });

  it('carries the request id it was sent, or one of its own instead of a bad one', async () => {
    const sent = await ask(`${service.url}/live`, { headers: { 'X-Request-Id': 'trace-me:0123.abc' } });
    expect(sent.headers.get('x-request-id')).toBe('trace-me:0123.abc');
    for (const bad of ['short', 'x'.repeat(129), 'with space in it', 'Ünïcödé-ünïcödé']) {
      const answer = await ask(`${service.url}/live`, {
        headers: { 'X-Request-Id': encodeURI(bad) === bad ? bad : encodeURI(bad) },
      });
      expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it('passes a W3C trace context on, into the log too, and drops a broken one', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const traceparent = `00-${trace}-00f067aa0ba902b7-01`;
    const answer = await ask(`${service.url}/live`, { headers: { traceparent, 'X-Request-Id': 'traced-request' } });
    expect(answer.headers.get('traceparent')).toBe(traceparent);
    expect(await logged(({ requestId }) => requestId === 'traced-request')).toMatchObject({ traceId: trace });
    const broken = await ask(`${service.url}/live`, {
      headers: { traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01` },
    });
    expect(broken.headers.get('traceparent')).toBeNull();
  });

  it('leaves one access event with route, status and duration, and no query', async () => {
    await ask(`${service.url}/files?limit=1&cursor=topsecret`, {
      headers: { ...headers, 'X-Request-Id': 'access-event', 'X-Forwarded-For': '203.0.113.7' },
    });
    const line = await logged(({ requestId, event }) => requestId === 'access-event' && event === 'access');
    expect(line).toMatchObject({
      level: 'info',
      instance: 'http',
      method: 'GET',
      route: '/files',
      path: '/files',
      status: 422,
      code: 'invalid_input',
      client: '203.0.113.7',
      durationMs: expect.any(Number),
      keyId: expect.any(String),
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    expect(JSON.stringify(service.logs)).not.toContain('topsecret');
    expect(service.logs.filter(({ requestId }) => requestId === 'access-event')).toHaveLength(1);
  });

  it('of a change by a key leaves an audit event: who, what, to what', async () => {
    const made = await ask(
      `${service.url}/keys`,
      json({ name: 'audited', scopes: ['files:read'] }, { ...headers, 'X-Request-Id': 'audit-event' }),
    );
    const { id } = made.body as { id: string };
    expect(await logged(({ requestId, event }) => requestId === 'audit-event' && event === 'audit')).toMatchObject({
      action: 'POST /keys',
      status: 201,
      keyName: 'admin',
      target: id,
    });
    await ask(`${service.url}/keys/${id}`, {
      method: 'DELETE',
      headers: { ...headers, 'X-Request-Id': 'audit-delete' },
    });
    expect(await logged(({ requestId, event }) => requestId === 'audit-delete' && event === 'audit')).toMatchObject({
      action: 'DELETE /keys/:id',
      target: id,
    });
  });

  it('of a refused key leaves an audit event too', async () => {
    await ask(`${service.url}/files`, { headers: { 'X-API-Key': 'wrong', 'X-Request-Id': 'refused-key' } });
    expect(await logged(({ requestId, event }) => requestId === 'refused-key' && event === 'audit')).toMatchObject({
      action: 'GET /files',
      status: 401,
      code: 'key_invalid',
    });
  });

  it('is refused to a host that is not served, but not to health checks', async () => {
    const send = (path: string, host: string) => sendRaw(service.port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    expect((await send('/session', 'app.example')).status).toBe(200);
    expect((await send('/session', 'APP.example:8080')).status).toBe(200);
    expect(await send('/session', 'evil.example')).toMatchObject({
      status: 421,
      body: expect.stringContaining('host_not_allowed'),
    });
    expect((await send('/health', '10.0.11.7:3000')).status).toBe(200);
  });

  it('to a wrong method names the right ones, and OPTIONS lists them', async () => {
    const wrong = await ask(`${service.url}/live`, { method: 'DELETE' });
    expect(wrong).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } });
    expect(wrong.headers.get('allow')).toBe('HEAD, GET, OPTIONS');
    const options = await ask(`${service.url}/session`, { method: 'OPTIONS' });
    expect(options.status).toBe(204);
    expect(options.headers.get('allow')?.split(', ').sort()).toEqual(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST']);
    expect(options.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('to HEAD has the headers of GET and no body', async () => {
    const answer = await ask(`${service.url}/live`, { method: 'HEAD' });
    expect(answer).toMatchObject({ status: 200, body: '' });
    expect(answer.headers.get('content-length')).toBe('17');
  });

  it('lets a same-origin page and a client without a browser change things', async () => {
    const own = await ask(
      `${service.url}/session`,
      json({ user: 'x' }, { 'Sec-Fetch-Site': 'same-origin', Origin: service.url }),
    );
    expect(own.status).toBe(200);
    expect((await ask(`${service.url}/session`, json({ user: 'x' }))).status).toBe(200);
    expect((await ask(`${service.url}/session`, json({ user: 'x' }, { Origin: service.url }))).status).toBe(200);
  });

  it('lists the routes at /', async () => {
    const { body } = await ask(`${service.url}/`);
    expect((body as { routes: unknown[] }).routes).toContainEqual({
      method: 'POST',
      path: '/upload',
      scope: 'files:write',
      summary: 'Store a file',
    });
  });

  it('to an error while the body is still coming reaches the client', async () => {
    const body = Buffer.alloc(4 * 1024 * 1024, 'x');
    const answer = await ask(`${service.url}/session`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body,
    });
    expect(answer).toMatchObject({ status: 413, body: { code: 'body_too_large' } });
  });

  it('does not wait for ever for a slow client', async () => {
    const hasty = await world.start({ LONGEST_REQUEST_SECONDS: '5' });
    const half = (bytes: string) =>
      new Promise<string>((resolve) => {
        let answer = '';
        const socket = connect(hasty.port, '127.0.0.1', () => socket.write(bytes));
        socket.on('data', (chunk) => {
          answer += chunk;
        });
        socket.on('close', () => resolve(answer));
      });
    const start = performance.now();
    const [headersOnly, bodyOnly] = await Promise.all([
      half('GET /live HTTP/1.1\r\nHost: loc'),
      half(
        'POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{"user"',
      ),
    ]);
    expect(performance.now() - start).toBeLessThan(12_000);
    for (const answer of [headersOnly, bodyOnly])
      expect(answer).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"request_timeout"/);
    expect((await ask(`${hasty.url}/live`)).status).toBe(200);
  });

  it('keeps an idle connection longer than a load balancer does', async () => {
    const answer = await ask(`${service.url}/live`, { headers: { Connection: 'keep-alive' } });
    expect(answer.headers.get('keep-alive')).toBe('timeout=75');
  });
});
