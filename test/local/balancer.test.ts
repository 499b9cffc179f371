import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { type Balancer, type BalancerOptions, startBalancer } from '../../local/balancer/balancer.ts';
import { freePort } from '../../local/ports.ts';
import { waitFor } from '../support/wait.ts';

type Handler = (asked: IncomingMessage, answer: ServerResponse) => void;

interface TargetServer {
  host: string;
  port: number;
  server: Server;
  /** Status that /health answers. */
  health: number;
  /** Requests other than /health, oldest first. */
  seen: IncomingMessage[];
}

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function target(
  handler: Handler,
  options: { keepAliveTimeout?: number; port?: number } = {},
): Promise<TargetServer> {
  const server = createServer({ keepAliveTimeout: options.keepAliveTimeout ?? 75_000 });
  const found: TargetServer = { host: '127.0.0.1', port: 0, server, health: 200, seen: [] };
  server.on('request', (asked, answer) => {
    if (asked.url === '/health') {
      answer.writeHead(found.health).end();
      return;
    }
    found.seen.push(asked);
    handler(asked, answer);
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  found.port = (server.address() as AddressInfo).port;
  open.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return found;
}

async function balance(targets: { host: string; port: number }[], options: BalancerOptions = {}): Promise<Balancer> {
  const health = { intervalMs: 50, timeoutMs: 500, ...options.health };
  const balancer = await startBalancer({ targets, ...options, health });
  open.push(() => balancer.close());
  return balancer;
}

const states = (balancer: Balancer) => balancer.targets().map(({ state }) => state);
const allHealthy = (balancer: Balancer) =>
  waitFor('all targets healthy', () => states(balancer).every((state) => state === 'healthy'));

interface Got {
  status: number;
  body: string;
  headers: IncomingMessage['headers'];
  /** Whether the answer ended as it said it would. */
  complete: boolean;
}

/** One request on a raw client, so that nothing is repeated or decoded on our side. */
function send(
  url: string,
  options: { method?: string; headers?: Record<string, string>; agent?: Agent; body?: string } = {},
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const { body, ...rest } = options;
    const asked = request(url, { agent: false, ...rest });
    asked.once('error', reject);
    asked.once('response', (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', () => {});
      answer.once('close', () =>
        resolve({
          status: answer.statusCode ?? 0,
          body: Buffer.concat(chunks).toString(),
          headers: answer.headers,
          complete: answer.complete,
        }),
      );
    });
    asked.end(body);
  });
}

test('takes turns per request, also on one connection', async () => {
  const [one, two] = [await target((_, answer) => answer.end('1')), await target((_, answer) => answer.end('2'))];
  const balancer = await balance([one, two]);
  await allHealthy(balancer);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  open.push(() => agent.destroy());
  let turns = '';
  for (let at = 0; at < 6; at++) turns += (await send(balancer.url, { agent })).body;
  expect(['121212', '212121']).toContain(turns);
});

test('a target is used only after it is healthy and not when it is unhealthy; with none left it answers 503', async () => {
  const one = await target((_, answer) => answer.end('1'));
  const two = await target((_, answer) => answer.end('2'));
  two.health = 503;
  const balancer = await balance([one, two]);
  await waitFor('both checked', () => states(balancer).join() === 'healthy,unhealthy');
  for (let at = 0; at < 4; at++) expect((await send(balancer.url)).body).toBe('1');
  expect(balancer.targets()[1]).toMatchObject({ reason: '503', requests: 0 });

  two.health = 200;
  one.health = 500;
  await waitFor('the other way round', () => states(balancer).join() === 'unhealthy,healthy');
  for (let at = 0; at < 4; at++) expect((await send(balancer.url)).body).toBe('2');

  two.health = 404;
  await waitFor('none', () => states(balancer).join() === 'unhealthy,unhealthy');
  const refused = await send(balancer.url);
  expect(refused).toMatchObject({ status: 503, headers: { server: 'awselb/2.0' } });
  expect(balancer.counters().balancer).toEqual({ 503: 1 });
});

test('one failed check of a healthy target changes nothing below the threshold', async () => {
  const one = await target((_, answer) => answer.end('1'));
  const changes: string[] = [];
  const balancer = await balance([one], {
    health: { unhealthyThreshold: 3, healthyThreshold: 2 },
    changed: (_, health) => changes.push(health),
  });
  await allHealthy(balancer);
  one.health = 500;
  await waitFor('a failed check', () => balancer.targets()[0]?.reason === '500');
  one.health = 200;
  await waitFor('a good check', () => balancer.targets()[0]?.reason === '');
  expect(changes).toEqual(['healthy']);
});

test('forwarding headers, request id and trace id as an ALB; connection fields stay behind', async () => {
  const one = await target((asked, answer) => {
    answer.setHeader('Connection', 'X-Private');
    answer.setHeader('X-Private', 'mine');
    answer.setHeader('Set-Cookie', ['a=1', 'b=2']);
    answer.end(JSON.stringify(asked.rawHeaders));
  });
  const balancer = await balance([one]);
  await allHealthy(balancer);
  const given = {
    Host: 'shop.example',
    'X-Forwarded-For': '203.0.113.7',
    'X-Forwarded-Proto': 'https',
    'X-Amzn-Trace-Id': 'Root=1-67891233-abcdef012345678912345678',
    'X-Request-Id': 'mine-1',
    Connection: 'keep-alive, X-Hop',
    'X-Hop': 'here',
    'X-Kept': 'kept',
  };
  const got = await send(balancer.url, { headers: given });
  const fields = new Map<string, string>();
  const raw = JSON.parse(got.body) as string[];
  for (let at = 0; at < raw.length; at += 2) fields.set(`${raw[at]}`.toLowerCase(), `${raw[at + 1]}`);
  expect(Object.fromEntries(fields)).toMatchObject({
    host: 'shop.example',
    'x-forwarded-for': '203.0.113.7, 127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-port': `${balancer.port}`,
    'x-amzn-trace-id': expect.stringMatching(
      /^Self=1-[0-9a-f]{8}-[0-9a-f]{24};Root=1-67891233-abcdef012345678912345678$/,
    ),
    'x-request-id': 'mine-1',
    'x-kept': 'kept',
  });
  expect(fields.has('x-hop')).toBe(false);
  expect(got.headers['x-private']).toBeUndefined();
  expect(got.headers['set-cookie']).toEqual(['a=1', 'b=2']);

  await send(balancer.url);
  expect(one.seen.at(-1)?.headers).toMatchObject({
    'x-forwarded-for': '127.0.0.1',
    'x-amzn-trace-id': expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/),
    'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
});

test('streams both ways without waiting for the end, and keeps the framing of bodies', async () => {
  const one = await target((asked, answer) => {
    answer.flushHeaders();
    asked.on('data', (chunk) => answer.write(chunk));
    asked.on('end', () =>
      answer.end(`|${asked.headers['content-length'] ?? asked.headers['transfer-encoding'] ?? 'none'}`),
    );
  });
  const balancer = await balance([one]);
  await allHealthy(balancer);
  const asked = request(balancer.url, { method: 'POST', agent: false });
  asked.write('first');
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const [echo] = await once(answer, 'data');
  expect(String(echo)).toBe('first');
  asked.end('last');
  let rest = '';
  for await (const chunk of answer) rest += chunk;
  expect(rest).toBe('last|chunked');

  expect((await send(balancer.url, { method: 'POST', body: 'x', headers: { 'Content-Length': '1' } })).body).toBe(
    'x|1',
  );
  expect((await send(balancer.url, { method: 'DELETE' })).body).toBe('|none');
  const bare = connect(balancer.port, '127.0.0.1');
  bare.write('POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  let text = '';
  for await (const chunk of bare) text += chunk;
  expect(text).toContain('|none');
});

test('Expect: 100-continue is decided by the target', async () => {
  const one = await target((asked, answer) => {
    asked.resume().on('end', () => answer.end('took it'));
  });
  one.server.on('checkContinue', (asked: IncomingMessage, answer: ServerResponse) => {
    if (asked.url === '/no') {
      answer.writeHead(413).end('too large');
      return;
    }
    answer.writeContinue();
    one.server.emit('request', asked, answer);
  });
  const balancer = await balance([one]);
  await allHealthy(balancer);
  const ask = async (path: string) => {
    const headers = { Expect: '100-continue', 'Content-Length': '4' };
    const asked = request(`${balancer.url}${path}`, { method: 'POST', agent: false, headers });
    let continued = false;
    asked.once('continue', () => {
      continued = true;
      asked.end('body');
    });
    asked.flushHeaders();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    let body = '';
    for await (const chunk of answer) body += chunk;
    asked.destroy();
    return { continued, status: answer.statusCode, body, connection: answer.headers.connection };
  };
  expect(await ask('/yes')).toMatchObject({ continued: true, status: 200, body: 'took it' });
  expect(await ask('/no')).toEqual({ continued: false, status: 413, body: 'too large', connection: 'close' });
});

test('a refused or reset connection answers 502, silence 504, and nothing is asked twice', async () => {
  const resetting = await target((asked) => asked.socket.resetAndDestroy());
  const balancer = await balance([resetting], { idleMs: 300, health: { unhealthyThreshold: 1000 } });
  await allHealthy(balancer);
  expect((await send(balancer.url, { method: 'POST', body: 'x' })).status).toBe(502);
  expect((await send(balancer.url)).status).toBe(502);
  expect(resetting.seen).toHaveLength(2);

  const silent = await target(() => {});
  balancer.setTargets([silent]);
  await allHealthy(balancer);
  expect((await send(balancer.url)).status).toBe(504);
  expect(silent.seen).toHaveLength(1);

  silent.server.close();
  silent.server.closeAllConnections();
  expect((await send(balancer.url)).status).toBe(502);
  expect(balancer.counters()).toMatchObject({ requests: 4, target: {}, balancer: { 502: 3, 504: 1 } });
});

test('an upload that stalls answers 408', async () => {
  const one = await target((asked) => asked.resume());
  const balancer = await balance([one], { idleMs: 200 });
  await allHealthy(balancer);
  const asked = request(balancer.url, { method: 'POST', agent: false, headers: { 'Content-Length': '100' } });
  asked.on('error', () => {});
  asked.write('some');
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  expect(answer.statusCode).toBe(408);
  asked.destroy();
});

test('a kept connection that the target has closed costs no 502', async () => {
  // Answers one request per connection, says it keeps it, and resets it when the next request comes.
  let asked = 0;
  const server = createTcpServer((socket: Socket) => {
    let first = true;
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const health = String(data).startsWith('GET /health');
      if (!health && !first) {
        socket.resetAndDestroy();
        return;
      }
      if (!health) asked++;
      first = false;
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const balancer = await balance([{ host: '127.0.0.1', port: (server.address() as AddressInfo).port }]);
  open.unshift(() => server.close());
  await allHealthy(balancer);
  for (let at = 1; at <= 5; at++) {
    expect((await send(balancer.url)).status).toBe(200);
    expect(asked).toBe(at);
  }
  // A POST may have had its effect: it is not sent again.
  expect((await send(balancer.url, { method: 'POST', body: 'x' })).status).toBe(502);
});

test('a client that goes away is felt by the target, a target that goes away by the client', async () => {
  let gone = 0;
  const one = await target((asked, answer) => {
    answer.writeHead(200, { 'Content-Length': '1000' });
    answer.write('part');
    answer.once('close', () => {
      gone++;
    });
    if (asked.url === '/die') setTimeout(() => asked.socket.destroy(), 50);
  });
  const balancer = await balance([one]);
  await allHealthy(balancer);
  const asked = request(balancer.url, { agent: false });
  asked.on('error', () => {});
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.on('error', () => {});
  asked.destroy();
  await waitFor('the target to notice', () => gone === 1);

  expect(await send(`${balancer.url}/die`)).toMatchObject({ status: 200, body: 'part', complete: false });
  expect(balancer.counters()).toMatchObject({ clientAborts: 1, cuts: 1 });
});

test('an early refusal of an upload reaches the client', async () => {
  const one = await target((_, answer) => {
    answer.writeHead(413).end('too large');
  });
  const balancer = await balance([one]);
  await allHealthy(balancer);
  const asked = request(balancer.url, { method: 'POST', agent: false });
  asked.on('error', () => {});
  const timer = setInterval(() => asked.write(Buffer.alloc(64 * 1024)), 1);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  clearInterval(timer);
  expect(answer.statusCode).toBe(413);
  asked.destroy();
});

test('deregistration: no new requests, those in flight may end until the delay, then they are cut', async () => {
  const answers: ServerResponse[] = [];
  const slow: Handler = (_, answer) => {
    answer.writeHead(200);
    answer.write('slow');
    answers.push(answer);
  };
  const one = await target(slow);
  const two = await target((_, answer) => answer.end('2'));
  const balancer = await balance([one], { deregistrationDelayMs: 500 });
  await allHealthy(balancer);
  const ends = send(balancer.url);
  const cut = send(balancer.url);
  await waitFor('both in flight', () => answers.length === 2);

  balancer.setTargets([two]);
  await waitFor('the new one', () => states(balancer).join() === 'draining,healthy');
  for (let at = 0; at < 3; at++) expect((await send(balancer.url)).body).toBe('2');
  answers[0]?.end(' but whole');
  expect(await ends).toMatchObject({ body: 'slow but whole', complete: true });
  expect(await cut).toMatchObject({ body: 'slow', complete: false });
  await waitFor('the old one gone', () => states(balancer).join() === 'healthy');
});

test('connections to a target are kept and used again', async () => {
  const one = await target((_, answer) => answer.end('1'));
  const balancer = await balance([one]);
  await allHealthy(balancer);
  for (let at = 0; at < 5; at++) await send(balancer.url);
  expect(new Set(one.seen.map(({ socket }) => socket.remotePort)).size).toBe(1);
});

test('closing lets requests in flight end and then closes their kept connections', async () => {
  const answers: ServerResponse[] = [];
  const one = await target((asked, answer) => {
    if (asked.url === '/started') answer.write('s');
    answers.push(answer);
  });
  const balancer = await balance([one]);
  await allHealthy(balancer);
  const agent = new Agent({ keepAlive: true });
  open.push(() => agent.destroy());
  const waiting = send(balancer.url, { agent });
  const started = send(`${balancer.url}/started`, { agent });
  await waitFor('both in flight', () => answers.length === 2);
  let closed = false;
  const closing = balancer.close(30_000).then(() => {
    closed = true;
  });
  await expect(send(balancer.url)).rejects.toThrow('ECONNREFUSED');
  expect(closed).toBe(false);
  for (const answer of answers) answer.end('end');
  expect(await waiting).toMatchObject({ status: 200, headers: { connection: 'close' }, complete: true });
  expect(await started).toMatchObject({ body: 'send', complete: true });
  const before = performance.now();
  await closing;
  expect(performance.now() - before).toBeLessThan(5000);
});

test('a taken port is an error', async () => {
  const one = await target(() => {});
  await expect(startBalancer({ port: one.port })).rejects.toThrow('EADDRINUSE');
  expect(await freePort()).toBeGreaterThan(1023);
});
