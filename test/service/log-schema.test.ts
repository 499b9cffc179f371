// Every line that the service writes is one of docs/logs.md: it is driven through its routes and faults.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../local/ports.ts';
import { logEvents } from '../../observability/logs/schema.ts';
import { routes } from '../../service/routes/index.ts';
import { ask, json, SessionClient } from '../support/client.ts';
import { databaseUrl } from '../support/databases.ts';
import { inspect, inspectable } from '../support/inspector.ts';
import { faultsOfLines } from '../support/log-lines.ts';
import { ownPostgres, ownReplica } from '../support/own-postgres.ts';
import { sendRaw } from '../support/raw.ts';
import { type LogLine, type ServiceProcess, startService } from '../support/service.ts';
import { sharedServers } from '../support/shared-servers.ts';
import { type TcpProxy, tcpProxy } from '../support/tcp-proxy.ts';
import { beginUpload, sendUpload } from '../support/uploads.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';

// Servers of its own, and waits for what happens only after a while.
jest.setTimeout(180_000);

let world: World;
let key: Record<string, string>;
const lines: LogLine[] = [];
const proxies: TcpProxy[] = [];

beforeAll(async () => {
  world = await createWorld();
  key = { 'X-API-Key': world.adminKey };
});

afterAll(async () => {
  await endWorld();
  for (const proxy of proxies) proxy.close();
});

const seen = (service: ServiceProcess, event: string) => service.logs.some((line) => line.event === event);
const until = (service: ServiceProcess, event: string) =>
  waitFor(`${event} in the log`, () => seen(service, event), 60_000);

/** Ends it, and keeps what it has logged. */
async function end(service: ServiceProcess): Promise<void> {
  await service.stop();
  lines.push(...service.logs);
}

async function throughProxy(url: string): Promise<{ url: string; proxy: TcpProxy }> {
  const proxy = await tcpProxy(new URL(url));
  proxies.push(proxy);
  const through = new URL(url);
  through.host = `127.0.0.1:${proxy.port}`;
  return { url: through.href, proxy };
}

const upload = (service: ServiceProcess, content = 'bytes') =>
  sendUpload(service.url, { ...key, 'Content-Disposition': 'attachment; filename="a.bin"' }, content);

describe('every line of the log', () => {
  it('of all routes, and of what they refuse', async () => {
    const service = await world.start();
    const { url } = service;
    const sessions = new SessionClient({ traceparent: `00-${randomBytes(16).toString('hex')}-00f067aa0ba902b7-01` });
    for (const path of ['/', '/live', '/health', '/session', '/openapi.json', '/nothing'])
      await sessions.send(url + path);
    await sessions.send(`${url}/session`, json({ user: 'somebody' }));
    await sessions.send(`${url}/session`, json({ user: 5 }));
    await sessions.send(`${url}/session`, { method: 'DELETE' });
    await ask(`${url}/load/1`, { headers: key });
    await ask(`${url}/load/999999999`, { headers: key });

    const { body: file } = await upload(service);
    await ask(url + file.url, { headers: key });
    await ask(url + file.url, { headers: { ...key, Range: 'bytes=99-' } });
    await ask(url + file.url, { method: 'HEAD', headers: key });
    await ask(`${url}/files`, { headers: key });
    await ask(url + file.url, { method: 'DELETE', headers: key });
    await ask(url + file.url, { headers: key });

    const made = await ask(`${url}/keys`, json({ name: 'narrow', scopes: ['load'] }, key));
    const { id, key: narrow } = made.body as { id: string; key: string };
    await ask(`${url}/files`, { headers: { 'X-API-Key': narrow } });
    await ask(`${url}/keys`, json({ name: 'next', scopes: ['load'], replaces: id }, key));
    await ask(`${url}/keys`, { headers: key });
    await ask(`${url}/keys/${id}`, { method: 'DELETE', headers: key });
    await ask(`${url}/keys/${'A'.repeat(12)}`, { method: 'DELETE', headers: key });
    await ask(`${url}/keys`, { headers: { 'X-API-Key': 'nonsense' } });
    await ask(`${url}/keys`);
    await sendRaw(service.port, 'nonsense\r\n\r\n');
    const { request } = beginUpload(url, {
      ...key,
      'Content-Disposition': 'attachment; filename="a"',
      'Content-Length': '9',
    });
    await new Promise((resolve) => request.write('half', resolve));
    request.destroy();
    await waitFor('the client to have left', () => service.logs.some(({ code }) => code === 'client_left'));

    const limited = await world.start({ RATE_LIMIT_ADDRESS_PER_MINUTE: '1' });
    await ask(`${limited.url}/session`);
    await ask(`${limited.url}/session`);
    await end(limited);
    await end(service);
    const asked = new Set(
      lines.filter(({ event }) => event === 'access').map(({ method, route }) => `${method} ${route}`),
    );
    for (const { method, path } of routes) expect(asked).toContain(`${method} ${path}`);
  });

  it('without Redis and object store, with a receiver of traces that is away, and of a crash', async () => {
    const objects = mkdtempSync(join(sharedServers().dir, 'objects-'));
    const away = await freePort();
    const service = await world.start({
      REDIS_URL: `redis://127.0.0.1:${away}`,
      OTLP_ENDPOINT: `http://127.0.0.1:${away}`,
      OBJECTS_DIR: objects,
    });
    await ask(`${service.url}/session`);
    const { body } = await upload(service);
    // A folder in the place of the object cannot be removed as a file.
    const [folder] = readdirSync(objects);
    const path = join(objects, `${folder}`, body.id);
    rmSync(path);
    mkdirSync(path);
    await ask(service.url + body.url, { method: 'DELETE', headers: key });
    await until(service, 'delete_left_to_sweeper');
    await until(service, 'spans_dropped');
    await end(service);

    const crashing = await startService(world.environment, { nodeFlags: inspectable });
    const inspector = await inspect(crashing);
    await inspector.crash();
    inspector.close(); // Node waits for it before it ends
    await crashing.exited;
    lines.push(...crashing.logs);
  });

  it('while PostgreSQL is away, and after it', async () => {
    const { url, proxy } = await throughProxy(world.environment.DATABASE_URL ?? '');
    const service = await world.start({
      DATABASE_URL: url,
      DATABASE_QUERY_TIMEOUT_MS: '1000',
      LOG_LEVEL: 'debug',
      LONGEST_REQUEST_SECONDS: '5',
    });
    await ask(`${service.url}/files`, { headers: key });
    proxy.silence(); // connections that are there: a statement on one finds that the server is lost
    await ask(`${service.url}/files/${'0'.repeat(8)}-0000-4000-8000-${'0'.repeat(12)}`, { headers: key });
    await until(service, 'database_back');

    const half = beginUpload(service.url, {
      ...key,
      'Content-Disposition': 'attachment; filename="a.bin"',
      'Content-Length': '1000000',
    });
    await new Promise((resolve) => half.request.write(randomBytes(100_000), resolve));
    await waitFor('the row of the upload', async () => (await pendingRows()) > 0);
    proxy.close();
    half.request.destroy();
    await until(service, 'upload_left_to_sweeper');
    await until(service, 'database_still_lost');
    await until(service, 'sweep_failed');
    await end(service);
    expect(lines.some(({ event }) => event === 'last_use_not_written')).toBe(true);

    // The next one finds what was left.
    const sweeping = await world.start({ LONGEST_REQUEST_SECONDS: '5' });
    await until(sweeping, 'swept');
    await end(sweeping);
  });

  async function pendingRows(): Promise<number> {
    const { Client } = await import('pg');
    const client = new Client({ connectionString: world.superuserUrl });
    await client.connect();
    const { rows } = await client.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM files WHERE pending_since IS NOT NULL',
    );
    await client.end();
    return rows[0]?.count ?? 0;
  }

  it('of a reader that comes and goes, and of a start before the schema', async () => {
    const primary = await ownPostgres();
    const replica = await ownReplica(primary);
    const service = await world.start({ DATABASE_URL: primary.address, DATABASE_READER_URL: replica.address });
    await until(service, 'reader_used');
    await replica.kill();
    await until(service, 'reader_out');
    await end(service);

    // A database in which nothing has been migrated, and none at all.
    const { username, password } = new URL(primary.url);
    const DATABASE_CREDENTIALS = JSON.stringify({ username, password: decodeURIComponent(password) });
    for (const DATABASE_URL of [
      databaseUrl(primary.url, 'postgres'),
      `postgres://127.0.0.1:${await freePort()}/none`,
    ]) {
      const early = await startService(
        { ...world.environment, DATABASE_URL, DATABASE_CREDENTIALS },
        { until: 'listening' },
      );
      await until(early, 'waiting_for_schema');
      await end(early);
    }
    await primary.stop();
  });

  it('keeps to the schema, and there is one of each event', () => {
    expect(faultsOfLines(lines)).toEqual([]);
    const found = new Set(lines.map(({ event }) => event));
    expect(Object.keys(logEvents).filter((event) => !found.has(event))).toEqual([]);
  });

  it('a field that nobody has written down is a fault', () => {
    const [line] = lines.filter(({ event }) => event === 'access');
    expect(faultsOfLines([{ ...(line as LogLine), cookie: 'x' }])).toEqual([expect.stringContaining('"cookie"')]);
    expect(faultsOfLines([{ ...(line as LogLine), event: 'unheard' }])).toHaveLength(1);
  });
});
