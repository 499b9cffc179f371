// The questions of docs/logs.md, asked by jq of the real log of two replicas, against what was really done to them.
import { randomUUID } from 'node:crypto';
import { freePort } from '../../local/ports.ts';
import * as common from '../../observability/logs/fields.ts';
import { questions } from '../../observability/logs/questions.ts';
import { type LogEvent, logEvents } from '../../observability/logs/schema.ts';
import { ask, json } from '../support/client.ts';
import { findJq, type Jq } from '../support/jq.ts';
import type { ServiceProcess } from '../support/service.ts';
import { sendUpload } from '../support/uploads.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';

const client = '198.51.100.7';
const busyClient = '198.51.100.8';
const requestId = randomUUID();
const lookups = 12;

let world: World;
let jq: Jq;
/** What `kubectl logs` prints for both replicas, one after the other. */
let log: string;
let narrow: { id: string; key: string };
const adminId = () => world.adminKey.slice(4, 16);

function answer(id: string, parameters: Record<string, string> = {}): unknown[] {
  const question = questions.find((each) => each.id === id);
  if (question === undefined) throw new Error(`there is no question ${id}`);
  expect(Object.keys(parameters)).toEqual(question.parameters);
  return jq.run(question.jq, parameters, log);
}

beforeAll(async () => {
  world = await createWorld();
  jq = await findJq();
  const start = (INSTANCE: string, more = {}) =>
    world.start({ INSTANCE, TRUSTED_PROXY_HOPS: '1', RATE_LIMIT_ADDRESS_PER_MINUTE: '20', ...more });
  const well = await start('well', { REDIS_TIMEOUT_MS: '10000' });
  const ill = await start('ill', {
    REDIS_URL: `redis://127.0.0.1:${await freePort()}`,
    OBJECTS_DIR: '/dev/null/objects',
  });
  await drive(well, ill);
  for (const service of [well, ill]) expect(await service.stop()).toBe(0);
  const printed = [...well.logs, ...ill.logs].map((line) => (line.level === 'raw' ? line.text : JSON.stringify(line)));
  printed.splice(3, 0, '(node:1) Warning: a line that is no JSON', '"nor an object"');
  log = `${printed.join('\n')}\n`;
}, 120_000);

afterAll(endWorld);

async function drive(well: ServiceProcess, ill: ServiceProcess): Promise<void> {
  const key = { 'X-API-Key': world.adminKey };
  const named = { ...key, 'Content-Disposition': 'attachment; filename="a.bin"' };
  const made = await ask(`${well.url}/keys`, json({ name: 'narrow', scopes: ['files:write'] }, key));
  narrow = made.body as typeof narrow;
  // One was sent again, as after an answer that was lost: the same file.
  const again = { ...named, 'Idempotency-Key': 'once' };
  for (const headers of [named, again, again, { ...named, 'X-API-Key': narrow.key }])
    await sendUpload(well.url, headers, 'x');
  await ask(`${well.url}/keys/${narrow.id}`, {
    method: 'DELETE',
    headers: { ...key, 'X-Request-Id': requestId, 'X-Forwarded-For': client },
  });
  await ask(`${well.url}/load/2000`, { headers: key });
  await ask(`${well.url}/nothing`, { headers: { 'X-Forwarded-For': client } });
  const headers = { 'X-Forwarded-For': busyClient };
  await Promise.all(Array.from({ length: lookups + 20 }, () => ask(`${well.url}/session`, { headers })));
  await ask(`${ill.url}/session`);
  await ask(`${ill.url}/session`);
  await ask(ill.url, { method: 'PROPFIND' });
  await sendUpload(ill.url, named, 'x');
}

describe('the questions of the log', () => {
  it('what happened to the request with this id', () => {
    expect(answer('one-request', { id: requestId })).toEqual([
      expect.objectContaining({ event: 'key_revoked', target: narrow.id }),
      expect.objectContaining({ event: 'audit', action: 'DELETE /keys/:id' }),
      expect.objectContaining({ event: 'access', status: 204 }),
    ]);
  });

  it('which routes are the slowest', () => {
    const [slowest, ...others] = answer('slowest-routes') as {
      route: string;
      requests: number;
      p95Ms: number;
      maxMs: number;
    }[];
    expect(slowest).toMatchObject({ method: 'GET', route: '/load/:ms', requests: 1 });
    expect(slowest?.p95Ms).toBeGreaterThanOrEqual(2000);
    expect(others.find(({ route }) => route === '/session')).toMatchObject({ requests: lookups + 20 + 2 });
    for (const { p95Ms, maxMs } of others) expect(p95Ms).toBeLessThanOrEqual(maxMs);
  });

  it('who revoked this key', () => {
    expect(answer('who-revoked', { key: narrow.id })).toEqual([
      { time: expect.any(String), keyId: adminId(), keyName: 'admin', client, requestId },
    ]);
    expect(answer('who-revoked', { key: adminId() })).toEqual([]);
  });

  it('which errors clients get, and how often', () => {
    const errors = answer('errors-by-code') as { code: string; requests: number }[];
    expect(errors).toContainEqual({ code: 'not_found', status: 404, requests: 1 });
    expect(errors).toContainEqual({ code: 'sessions_unavailable', status: 503, requests: 2 });
    expect(errors).toContainEqual({ code: 'objects_unavailable', status: 503, requests: 1 });
    expect(errors[0]).toMatchObject({ code: 'rate_limited', status: 429 });
  });

  it('what this client address has asked for', () => {
    expect(answer('one-client', { client })).toEqual([
      expect.objectContaining({
        method: 'DELETE',
        path: `/keys/${narrow.id}`,
        status: 204,
        keyId: adminId(),
        requestId,
      }),
      expect.objectContaining({ method: 'GET', path: '/nothing', status: 404, keyId: null }),
    ]);
  });

  it('which replicas fail requests, a method that nobody knows not counted', () => {
    expect(log).toContain('"status":501');
    expect(answer('failures-by-replica')).toEqual([{ instance: 'ill', failures: 3 }]);
  });

  it('which keys have uploaded how many files', () => {
    expect(answer('uploads-by-key')).toEqual([
      { keyId: adminId(), keyName: 'admin', uploads: 2 },
      { keyId: narrow.id, keyName: 'narrow', uploads: 1 },
    ]);
  });

  it('which dependency fails', () => {
    expect(answer('faults-by-dependency')).toEqual([
      { code: 'sessions_unavailable', faults: 2, last: expect.any(String) },
      { code: 'objects_unavailable', faults: 1, last: expect.any(String) },
    ]);
  });

  it('when replicas started, drained and ended', () => {
    const events = answer('starts-and-drains') as { instance: string; event: string; signal: string | null }[];
    for (const name of ['well', 'ill']) {
      expect(events.filter(({ instance }) => instance === name).map(({ event, signal }) => [event, signal])).toEqual([
        ['listening', null],
        ['ready', null],
        ['drain', 'SIGTERM'],
        ['stopped', null],
      ]);
    }
    expect(events.map(({ event }) => event).slice(0, 2)).toEqual(['listening', 'ready']);
  });

  it('who runs into the rate limits', () => {
    const callers = answer('rate-limited') as { refused: number }[];
    expect(callers).toEqual([{ client: busyClient, keyId: null, refused: expect.any(Number) }]);
    // 20 at once, and what is earned back meanwhile.
    expect(callers[0]?.refused).toBeLessThanOrEqual(lookups);
    expect(callers[0]?.refused).toBeGreaterThan(0);
  });

  it('are ten, and ask only for fields that there are', () => {
    expect(questions).toHaveLength(10);
    const events: readonly LogEvent[] = Object.values(logEvents);
    const known = new Set([
      'event',
      ...Object.keys(common.common),
      ...events.flatMap(({ fields }) => Object.keys(fields)),
    ]);
    for (const { insights, parameters } of questions) {
      const asked = [...insights.matchAll(/log_processed\.(\w+)/g)].map(([, name = '']) => name);
      expect(asked.length).toBeGreaterThan(0);
      for (const name of asked) expect(known).toContain(name);
      for (const name of parameters) expect(insights).toContain(`"<${name}>"`);
    }
  });
});
