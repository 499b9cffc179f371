import { once } from 'node:events';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { sendThenRead } from '../support/raw.ts';
import { waitFor } from '../support/wait.ts';
import { allHealthy, balance, open, send, target } from './targets.ts';

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
  expect(balancer.counters().resent).toBe(2);
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

test.each(['close', 'keep-alive'])(
  'an early refusal of an upload reaches a client that sends everything first: %s',
  async (connection) => {
    let relayed = false;
    const one = await target((_, answer) => {
      answer.once('close', () => {
        relayed = true;
      });
      answer.writeHead(413, { 'Content-Length': 9 }).end('too large');
    });
    const balancer = await balance([one]);
    await allHealthy(balancer);
    const body = Buffer.alloc(4 * 1024 * 1024);
    // The second request closes what the first has kept.
    const next = connection === 'close' ? '' : 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    const read = await sendThenRead(
      balancer.port,
      `POST / HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\nContent-Length: ${body.length}\r\n\r\n`,
      () => waitFor('the refusal', () => relayed),
      Buffer.concat([body, Buffer.from(next)]),
    );
    expect(read.match(/HTTP\/1\.1 413 /g)).toHaveLength(connection === 'close' ? 1 : 2);
    expect(read).toMatch(/too large$/);
  },
);
