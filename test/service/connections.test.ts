import { connect, type Socket } from 'node:net';
import { ask } from '../support/client.ts';
import { type ServiceProcess, startService } from '../support/service.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';

const tunnel = 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n';

describe('a connection', () => {
  let world: World;
  let service: ServiceProcess;
  let key: string;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    world = await createWorld();
    service = await world.start({ LOAD_MAX_MS: '6000', LONGEST_REQUEST_SECONDS: '5' });
    key = `X-API-Key: ${world.adminKey}\r\n`;
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await endWorld();
  });

  /** An open connection that keeps what it receives. */
  async function open(to: ServiceProcess): Promise<{ socket: Socket; text: () => string; closed: () => boolean }> {
    let text = '';
    let closed = false;
    const socket = connect({ port: to.port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(socket);
    socket.on('data', (data) => {
      text += data;
    });
    socket
      .on('error', () => undefined)
      .on('close', () => {
        closed = true;
      });
    socket.on('end', () => {
      closed = true;
    });
    await new Promise((resolve) => socket.once('connect', resolve));
    return { socket, text: () => text, closed: () => closed };
  }

  const busy = async () => /^burners_busy\{[^}]*\} (\d+)$/m.exec((await ask(service.metricsUrl)).body as string)?.[1];

  it('that asks for a tunnel and is reset does not end the process', async () => {
    for (let i = 0; i < 20; i++) {
      const { socket, text } = await open(service);
      socket.write(tunnel);
      if (i % 2) await waitFor('the refusal', () => text().includes('501'));
      socket.resetAndDestroy();
    }
    expect((await ask(`${service.url}/live`)).status).toBe(200);
  });

  it('that asks for a tunnel and stays does not hold up the drain', async () => {
    const leaves = await world.start();
    const { socket } = await open(leaves);
    socket.write(tunnel);
    await waitFor('the refusal', () => socket.bytesRead > 0);
    leaves.process.kill('SIGTERM');
    expect(await leaves.exited).toBe(0);
  });

  it.each([
    ['nonsense', 'nonsense\r\n\r\n'],
    ['an expectation', 'GET /live HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n'],
    ['a tunnel', tunnel],
  ])(
    'with %s behind a request that is being answered gets no refusal in the place of that answer',
    async (_, second) => {
      const { socket, text, closed } = await open(service);
      socket.write(`GET /load/2000 HTTP/1.1\r\nHost: a\r\n${key}\r\n`);
      await waitFor('the burn', async () => (await busy()) === '1');
      socket.write(second);
      await waitFor('the end', closed, 30_000);
      expect(text()).not.toMatch(/HTTP\/1\.1 (400|417|501)/);
      await waitFor('a free burner', async () => (await busy()) === '0', 30_000);
    },
  );

  it('whose client does not read its download is ended after LONGEST_REQUEST_SECONDS', async () => {
    const stored = await ask(`${service.url}/upload`, {
      method: 'POST',
      headers: { 'X-API-Key': world.adminKey, 'Content-Disposition': 'attachment; filename=big.bin' },
      body: Buffer.alloc(32 * 1024 * 1024, 1),
    });
    const { url } = stored.body as { url: string };
    const { socket } = await open(service);
    socket.pause();
    socket.write(`GET ${url} HTTP/1.1\r\nHost: a\r\n${key}\r\n`);
    const logged = () => service.logs.some(({ event, path }) => event === 'access' && path === url);
    await waitFor('the end of the download', logged, 9000);
  });

  it('whose client leaves before its burn begins frees the burner', async () => {
    const fresh = await world.start({ LOAD_MAX_MS: '6000' });
    for (let i = 0; i < 5; i++) {
      const { socket } = await open(fresh);
      socket.write(`GET /load/6000 HTTP/1.1\r\nHost: a\r\n${key}\r\n`, () => socket.resetAndDestroy());
    }
    await waitFor(
      'a free burner',
      async () => (await ask(`${fresh.url}/load/1`, { headers: { 'X-API-Key': world.adminKey } })).status === 200,
      4000,
    );
  });

  it('gets not_ready from a replica that is stopped while it starts', async () => {
    const early = await startService(
      { ...world.environment, DATABASE_URL: 'postgres://127.0.0.1:1/none', DRAIN_SETTLE_SECONDS: '2' },
      { until: 'listening' },
    );
    early.process.kill('SIGTERM');
    await waitFor('the drain', () => early.logs.some(({ event }) => event === 'drain'));
    expect(await ask(`${early.url}/files`, { headers: { 'X-API-Key': world.adminKey } })).toMatchObject({
      status: 503,
      body: { code: 'not_ready' },
    });
    expect(await early.exited).toBe(0);
  });
});

describe('made-up keys', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
  });
  afterAll(endWorld);

  it('are refused before they reach the database more often than their address may ask', async () => {
    const service = await world.start({ RATE_LIMIT_ADDRESS_PER_MINUTE: '3' });
    const statuses = [];
    for (let i = 0; i < 40; i++) {
      const madeUp = `slw_${`${i}`.padStart(12, 'a')}_${'a'.repeat(43)}`;
      statuses.push((await ask(`${service.url}/files`, { headers: { 'X-API-Key': madeUp } })).status);
    }
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(35);
    const metrics = (await ask(service.metricsUrl)).body as string;
    expect(
      Number(/cache_requests_total\{cache="keys",result="miss"[^}]*\} (\d+)/.exec(metrics)?.[1]),
    ).toBeLessThanOrEqual(5);
  });
});
