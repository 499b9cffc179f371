import { ask, json } from '../support/client.ts';
import { type OwnServer, ownRedis } from '../support/own-servers.ts';
import type { ServiceProcess } from '../support/service.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';
import { elapsed, expectWithin } from './in-time.ts';

interface KeyBody {
  id: string;
  key: string;
  name: string;
  scopes: string[];
  createdAt: string;
  expiresAt: string | null;
}

/** A revocation counts everywhere within this time. */
const promisedMs = 5000;

describe('API keys', () => {
  let world: World;
  let redis: OwnServer;
  let one: ServiceProcess;
  let two: ServiceProcess;
  let admin: Record<string, string>;

  beforeAll(async () => {
    world = await createWorld();
    redis = await ownRedis();
    [one, two] = await Promise.all([
      world.start({ REDIS_URL: redis.url, REDIS_TIMEOUT_MS: '250', INSTANCE: 'one' }),
      world.start({ REDIS_URL: redis.url, REDIS_TIMEOUT_MS: '250', INSTANCE: 'two' }),
    ]);
    admin = { 'X-API-Key': world.adminKey };
  });
  afterAll(async () => {
    redis.thaw();
    await endWorld();
    await redis.stop();
  });

  const create = async (body: Record<string, unknown> = {}) => {
    const answer = await ask(`${one.url}/keys`, json({ name: 'test', scopes: ['files:read'], ...body }, admin));
    expect(answer.status).toBe(201);
    return answer.body as KeyBody;
  };
  const use = async (service: ServiceProcess, key: string) =>
    (await ask(`${service.url}/files`, { headers: { 'X-API-Key': key } })).status;
  const revoke = async (id: string) =>
    (await ask(`${one.url}/keys/${id}`, { method: 'DELETE', headers: admin })).status;
  async function list(query = ''): Promise<{ keys: Record<string, unknown>[]; next: string | null }> {
    const answer = await ask(`${two.url}/keys${query}`, { headers: admin });
    expect(answer.status).toBe(200);
    return answer.body as { keys: Record<string, unknown>[]; next: string | null };
  }
  const faults = (answer: { body: unknown }) =>
    (answer.body as { errors?: { field: string }[] }).errors?.map(({ field }) => field);

  it('a new key is shown once and works at once on every replica', async () => {
    const made = await create({ name: 'Zoë 🚢' });
    expect(made).toEqual({
      id: expect.stringMatching(/^[0-9A-Za-z]{12}$/),
      key: expect.stringMatching(new RegExp(`^slw_${made.id}_[\\w-]{43}$`)),
      name: 'Zoë 🚢',
      scopes: ['files:read'],
      createdAt: expect.any(String),
      expiresAt: null,
    });
    expect(await use(one, made.key)).toBe(200);
    expect(await use(two, made.key)).toBe(200);
    const listed = JSON.stringify(await list());
    expect(listed).toContain(made.id);
    expect(listed).not.toContain(made.key.slice(17));
    expect(listed).not.toMatch(/sha256|secret/);
  });

  it('only scopes that a key has open a route', async () => {
    const { key } = await create({ scopes: ['load'] });
    expect(await use(one, key)).toBe(403);
    const answer = await ask(`${one.url}/keys`, { headers: { 'X-API-Key': key } });
    expect(answer).toMatchObject({ status: 403, body: { code: 'scope_missing' } });
  });

  it('a wrong secret, an unknown id and a malformed key get the same answer', async () => {
    const { key, id } = await create();
    const wrong = [`slw_${id}_${'A'.repeat(43)}`, `slw_${'A'.repeat(12)}_${key.slice(17)}`, 'nonsense', `${key}x`];
    for (const presented of wrong) {
      const answer = await ask(`${one.url}/files`, { headers: { 'X-API-Key': presented } });
      expect(answer).toMatchObject({ status: 401, body: { code: 'key_invalid' } });
    }
    expect(await use(one, key)).toBe(200);
  });

  it('keeps only a hash', async () => {
    const { key } = await create();
    const { Client } = await import('pg');
    const client = new Client({ connectionString: world.superuserUrl });
    await client.connect();
    const { rows } = await client.query('SELECT keys::text AS row FROM keys');
    await client.end();
    expect(rows.length).toBeGreaterThan(0);
    for (const { row } of rows) expect(row).not.toContain(key.slice(17));
  });

  const untilRefused = (key: string) => waitFor('the refusal', async () => (await use(two, key)) === 401, 15_000);

  it('a revoked key is refused on the other replica, as a rule within a second', () =>
    expectWithin(1000, async () => {
      const { key, id } = await create();
      expect(await use(two, key)).toBe(200);
      expect(await revoke(id)).toBe(204);
      const refusedMs = await elapsed(async () => {
        expect(await use(one, key)).toBe(401);
        await untilRefused(key);
      });
      expect(await revoke(id)).toBe(204);
      const { keys } = await list();
      expect(keys.find((entry) => entry.id === id)).toMatchObject({ revokedAt: expect.any(String) });
      return refusedMs;
    }));

  it('with a frozen Redis still within 5 s', () =>
    expectWithin(promisedMs, async () => {
      const { key, id } = await create();
      redis.freeze();
      try {
        expect(await use(two, key)).toBe(200);
        expect(await revoke(id)).toBe(204);
        return await elapsed(() => untilRefused(key));
      } finally {
        redis.thaw();
      }
    }));

  it('an expired key is refused, to the second', async () => {
    const { key, expiresAt } = await create({ expiresAt: new Date(Date.now() + 8000).toISOString() });
    expect(await use(two, key)).toBe(200);
    const expiryMs = Date.parse(expiresAt ?? '');
    const isRefused = async () => {
      const askedMs = Date.now();
      const status = await use(two, key);
      if (status === 200) expect(askedMs).toBeLessThan(expiryMs);
      return status === 401;
    };
    await waitFor('the refusal', isRefused, 8000 + promisedMs);
    expect(Date.now()).toBeGreaterThanOrEqual(expiryMs);
  });

  it('rotation: both keys work during the overlap, then only the new one', async () => {
    const old = await create();
    expect(await use(two, old.key)).toBe(200);
    const next = await create({ replaces: old.id, overlapSeconds: 8 });
    expect([await use(two, old.key), await use(two, next.key)]).toEqual([200, 200]);
    await waitFor('the end of the old key', async () => (await use(two, old.key)) === 401, 8000 + promisedMs);
    expect(await use(two, next.key)).toBe(200);
    const again = await ask(`${one.url}/keys`, json({ name: 'n', scopes: ['load'], replaces: old.id }, admin));
    expect(again.status).toBe(422);
    expect(faults(again)).toEqual(['body.replaces']);
  });

  it('an overlap never makes the old key live longer', async () => {
    const soon = new Date(Date.now() + 60_000).toISOString();
    const old = await create({ expiresAt: soon });
    await create({ replaces: old.id });
    const { keys } = await list();
    expect(keys.find(({ id }) => id === old.id)).toMatchObject({ expiresAt: soon });
  });

  it('notes the last use without making a request wait', async () => {
    const { key, id } = await create();
    const third = await world.start({ REDIS_URL: redis.url });
    const before = Date.now();
    expect(await use(third, key)).toBe(200);
    await third.stop(); // what was noted is written at the latest now
    const { keys } = await list();
    const entry = keys.find((listed) => listed.id === id);
    expect(Date.parse(entry?.lastUsedAt as string)).toBeGreaterThanOrEqual(before);
  });

  it('lists newest first, page by page, each key once', async () => {
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.unshift((await create({ name: `page ${i}` })).id);
    const seen: unknown[] = [];
    let cursor: string | null = null;
    do {
      const page = await list(`?limit=2${cursor === null ? '' : `&cursor=${cursor}`}`);
      expect(page.keys.length).toBeLessThanOrEqual(2);
      seen.push(...page.keys.map(({ id }) => id));
      cursor = page.next;
    } while (cursor !== null);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.slice(0, 5)).toEqual(made);
    expect(seen).toEqual((await list()).keys.map(({ id }) => id));
  });

  it('no administrator locks himself out', async () => {
    const id = world.adminKey.slice(4, 16);
    const answer = await ask(`${one.url}/keys/${id}`, { method: 'DELETE', headers: admin });
    expect(answer.status).toBe(422);
    expect(faults(answer)).toEqual(['params.id']);
    expect((await list()).keys.length).toBeGreaterThan(0);
  });

  it('an unknown key cannot be revoked', async () => {
    expect(await revoke('A'.repeat(12))).toBe(404);
  });

  it.each([
    [{ name: '' }, ['body.name']],
    [{ name: ' ' }, ['body.name']],
    [{ name: 'a\u0000b' }, ['body.name']],
    [{ name: '\ud800' }, ['body.name']],
    [{ name: 'x'.repeat(101) }, ['body.name']],
    [{ name: 5 }, ['body.name']],
    [{ scopes: [] }, ['body.scopes']],
    [{ scopes: ['load', 'load'] }, ['body.scopes']],
    [{ scopes: ['root'] }, ['body.scopes.0']],
    [{ scopes: 'load' }, ['body.scopes']],
    [{ expiresAt: '2020-01-01T00:00:00Z' }, ['body.expiresAt']],
    [{ expiresAt: 'tomorrow' }, ['body.expiresAt']],
    [{ replaces: 'nothing' }, ['body.replaces']],
    [{ replaces: 'A'.repeat(12) }, ['body.replaces']],
    [{ overlapSeconds: 5 }, ['body.overlapSeconds']],
    [{ overlapSeconds: -1 }, ['body.overlapSeconds']],
    [{ overlapSeconds: 604_801 }, ['body.overlapSeconds']],
    [{ overlapSeconds: 0.5 }, ['body.overlapSeconds']],
    [{ unknown: 1 }, ['body.unknown']],
    [{ name: '', scopes: [] }, ['body.name', 'body.scopes']],
  ])('refuses %j, naming the field', async (wrong, fields) => {
    const answer = await ask(`${one.url}/keys`, json({ name: 'n', scopes: ['load'], ...wrong }, admin));
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_input' } });
    expect(faults(answer)).toEqual(fields);
  });

  it.each([
    ['{}', { 'body.name': 'is required', 'body.scopes': 'is required' }],
    ['{"name":5,"scopes":"load"}', { 'body.name': 'must be text', 'body.scopes': 'must be a list' }],
    ['[]', { body: 'must be an object' }],
    ['null', { body: 'must be an object' }],
  ])('says of %s what each field must be', async (body, told) => {
    const headers = { ...admin, 'Content-Type': 'application/json' };
    const { errors } = (await ask(`${one.url}/keys`, { method: 'POST', body, headers })).body as {
      errors: { field: string; message: string }[];
    };
    expect(Object.fromEntries(errors.map(({ field, message }) => [field, message]))).toEqual(told);
  });

  it.each(['?limit=0', '?limit=101', '?limit=x', '?cursor=x', `?cursor=${'A'.repeat(12)}`, '?other=1'])(
    'refuses the list %s',
    async (query) => {
      expect((await ask(`${one.url}/keys${query}`, { headers: admin })).status).toBe(422);
    },
  );
});
