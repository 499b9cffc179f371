// What /metrics shows: the calls to dependencies, the state of the replica, and never more series than a scrape can bear.
import { randomBytes } from 'node:crypto';
import http, { METHODS } from 'node:http';
import { freePort } from '../../local/ports.ts';
import { ask } from '../support/client.ts';
import { healthWith } from '../support/health-states.ts';
import type { ServiceProcess } from '../support/service.ts';
import { sendUpload } from '../support/uploads.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';
import { elapsed } from './in-time.ts';

/** Series by name and labels, less the label of the replica. */
type Series = Map<string, number>;

async function scrape({ metricsUrl }: ServiceProcess): Promise<Series> {
  const text = await (await fetch(metricsUrl)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      const kept = labels.split(/,(?=\w+=)/).filter((label) => label !== '' && !label.startsWith('instance_name='));
      return [kept.length === 0 ? `${name}` : `${name}{${kept.join(',')}}`, Number(value)];
    }),
  );
}

const callsOf = (series: Series, dependency: string, operation: string, outcome: 'ok' | 'error') =>
  series.get(
    `dependency_request_duration_seconds_count{dependency="${dependency}",operation="${operation}",outcome="${outcome}"}`,
  ) ?? 0;

let world: World;
let service: ServiceProcess;

beforeAll(async () => {
  world = await createWorld();
  // The sweeper's calls count too; so it waits for half a minute before its first.
  service = await world.start({ LONGEST_REQUEST_SECONDS: '300' });
});

afterAll(endWorld);

describe('metrics of dependencies', () => {
  it('count each call once, by dependency, operation and outcome', async () => {
    const headers = { 'X-API-Key': world.adminKey };
    const counts = async () => {
      const series = await scrape(service);
      return {
        view: callsOf(series, 'redis', 'slipwayView', 'ok'),
        limit: callsOf(series, 'redis', 'slipwayLimit', 'ok'),
        put: callsOf(series, 'objects', 'put', 'ok'),
        get: callsOf(series, 'objects', 'get', 'ok'),
        delete: callsOf(series, 'objects', 'delete', 'ok'),
        connect: callsOf(series, 'postgres', 'connect', 'ok'),
        write: callsOf(series, 'postgres', 'write', 'ok'),
      };
    };
    await healthWith(service.url, { redis: 'up', postgres: 'up', objects: 'up' }); // the start asks them too
    const before = await counts();
    for (let i = 0; i < 3; i++) await ask(`${service.url}/session`);
    const named = { ...headers, 'Content-Disposition': 'attachment; filename="a.bin"' };
    const { body } = await sendUpload(service.url, named, 'bytes');
    await ask(`${service.url}${body.url}`, { headers });
    await ask(`${service.url}${body.url}`, { method: 'DELETE', headers });
    const after = await counts();
    const added = Object.fromEntries(
      Object.entries(after).map(([name, value]) => [name, value - before[name as keyof typeof before]]),
    );
    // Each of the three requests with a key takes its limit, and the first one that of the address, as its key is looked up.
    // Statements: key, insert, BEGIN, complete, COMMIT; find; hide, delete.
    expect(added).toEqual({ view: 3, limit: 4, put: 1, get: 1, delete: 1, connect: 1, write: 8 });
  });

  it('show seconds', async () => {
    const labels = '{dependency="redis",operation="slipwayView",outcome="ok"}';
    const sum = async () => (await scrape(service)).get(`dependency_request_duration_seconds_sum${labels}`) ?? 0;
    const views = 20;
    const before = await sum();
    const took = await elapsed(async () => {
      for (let i = 0; i < views; i++) await ask(`${service.url}/session`);
    });
    const added = (await sum()) - before;
    expect(added / views).toBeGreaterThan(0.00001); // a round trip to this machine
    expect(added).toBeLessThan(took / 1000);
  });

  it('tell what failed: Redis, PostgreSQL and the object store while they are away', async () => {
    const away = await freePort();
    const blind = await world.start({ REDIS_URL: `redis://127.0.0.1:${away}`, OBJECTS_DIR: '/dev/null/objects' });
    const headers = { 'X-API-Key': world.adminKey };
    expect((await ask(`${blind.url}/session`)).status).toBe(503);
    const named = { ...headers, 'Content-Disposition': 'attachment; filename="a.bin"' };
    expect((await sendUpload(blind.url, named, 'bytes')).status).toBe(503);
    const series = await scrape(blind);
    expect(callsOf(series, 'redis', 'slipwayView', 'error')).toBe(1);
    expect(callsOf(series, 'redis', 'slipwayView', 'ok')).toBe(0);
    expect(callsOf(series, 'objects', 'put', 'error')).toBe(1);
    await blind.stop();

    const lost = new URL(world.environment.DATABASE_URL ?? '');
    lost.port = `${away}`;
    const dumb = await world.start({ DATABASE_READER_URL: lost.href });
    const isMissed = () => dumb.logs.some(({ event, pool }) => event === 'database_lost' && pool === 'reader');
    await waitFor('the reader to be missed', isMissed);
    const missed = await scrape(dumb);
    // Looks at it are nobody's calls.
    expect(callsOf(missed, 'postgres', 'read', 'error')).toBe(0);
    expect(missed.get('postgres_reader_used')).toBe(0);
    expect(missed.has('postgres_reader_lag_seconds')).toBe(false);
    await dumb.stop();
  });

  it('blame nobody when a client leaves in the middle of its upload', async () => {
    const before = await scrape(service);
    const request = http.request(`${service.url}/upload`, {
      method: 'POST',
      agent: false,
      headers: {
        'X-API-Key': world.adminKey,
        'X-Request-Id': 'left-in-the-middle',
        'Content-Disposition': 'attachment; filename="a.bin"',
        'Content-Length': '1000000',
      },
    });
    request.on('error', () => undefined);
    request.write(randomBytes(1000));
    await waitFor('the store to be written to', async () => {
      const series = await scrape(service);
      return callsOf(series, 'postgres', 'write', 'ok') > callsOf(before, 'postgres', 'write', 'ok');
    });
    request.destroy();
    const accessOf = () =>
      service.logs.find(({ requestId, event }) => event === 'access' && requestId === 'left-in-the-middle');
    await waitFor('the end of the request', () => accessOf() !== undefined);
    expect(accessOf()).toMatchObject({ status: 499, code: 'client_left' });
    const after = await scrape(service);
    const failures = (series: Map<string, number>) =>
      [...series].filter(([name]) => /^http_request_duration_seconds_count\{.*status="5/.test(name));
    expect(failures(after)).toEqual(failures(before));
    for (const outcome of ['ok', 'error'] as const) {
      expect(callsOf(after, 'objects', 'put', outcome)).toBe(callsOf(before, 'objects', 'put', outcome));
    }
  });
});

describe('metrics of the replica', () => {
  it('say nothing of a reader where none is set', async () => {
    const series = await scrape(service);
    expect([...series.keys()].filter((name) => name.startsWith('postgres_reader'))).toEqual([]);
    expect(series.get('burners_busy')).toBe(0);
  });

  it('say how large its pools may get, and that it drains', async () => {
    const replica = await world.start({
      DATABASE_POOL_SIZE: '7',
      DATABASE_READER_URL: world.environment.DATABASE_URL,
      DRAIN_SETTLE_SECONDS: '2',
    });
    const before = await scrape(replica);
    expect(before.get('postgres_pool_size{pool="writer"}')).toBe(7);
    expect(before.get('postgres_pool_size{pool="reader"}')).toBe(7);
    expect(before.get('service_draining')).toBe(0);
    process.kill(replica.pid, 'SIGTERM');
    await waitFor('the drain to show', async () => (await scrape(replica)).get('service_draining') === 1);
    await replica.exited;
  });
});

describe('the number of series', () => {
  const requests = 10_000;
  const most = 2000;
  /** CONNECT asks for a tunnel, not for an answer. */
  const known = METHODS.filter((method) => method !== 'CONNECT');
  const served = ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'];

  /** Mostly those that are served, and all that Node's parser knows, and some that it does not. */
  function methodOf(i: number): string {
    if (i % 20 === 0) return `X${i}`;
    const methods = i % 4 === 0 ? known : served;
    return methods[Math.floor(i / 7) % methods.length] as string;
  }

  it(`stays below ${most} after ${requests} requests, no two of which have path, key, method or id in common`, async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
    const statuses = new Map<number, number>();
    const send = (i: number) =>
      new Promise<void>((resolve) => {
        const mark = randomBytes(9).toString('base64url');
        const method = methodOf(i);
        const places = [
          `/${mark}`,
          `/files/${mark}`,
          `/load/${i}`,
          `/keys/${mark}`,
          `/session?${mark}=${i}`,
          '/session',
        ];
        const request = http.request(`${service.url}${places[i % places.length]}`, {
          agent,
          method,
          headers: {
            'X-API-Key': `slw_${mark}_${'A'.repeat(43)}`,
            'X-Request-Id': `series-${mark}`,
            'Content-Length': '0',
          },
        });
        request.on('response', (answer) => {
          statuses.set(answer.statusCode ?? 0, (statuses.get(answer.statusCode ?? 0) ?? 0) + 1);
          answer.resume();
          answer.once('close', resolve);
        });
        request.on('error', () => resolve()); // closed with an answer to another one on its way
        request.end();
      });
    let next = 0;
    const worker = async () => {
      while (next < requests) await send(next++);
    };
    await Promise.all(Array.from({ length: 16 }, worker));
    agent.destroy();
    const answered = [...statuses.values()].reduce((sum, count) => sum + count, 0);
    expect(answered).toBeGreaterThan(0.9 * requests);
    expect(statuses.size).toBeGreaterThan(4);
    const series = await scrape(service);
    expect(series.size).toBeLessThanOrEqual(most);
    expect([...series.keys()].filter((name) => /series-|slw_|"X\d/.test(name))).toEqual([]);
  }, 180_000);
});
