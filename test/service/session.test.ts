import { Redis } from 'ioredis';
import { ask, json, SessionClient } from '../support/client.ts';
import type { ServiceProcess } from '../support/service.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';

describe('sessions', () => {
  let world: World;
  let a: ServiceProcess;
  let b: ServiceProcess;
  let redis: Redis;

  beforeAll(async () => {
    world = await createWorld();
    [a, b] = await Promise.all([
      world.start({ INSTANCE: 'a', SESSION_TTL_SECONDS: '600', TRUSTED_PROXY_HOPS: '1' }),
      world.start({ INSTANCE: 'b', SESSION_TTL_SECONDS: '600', TRUSTED_PROXY_HOPS: '1' }),
    ]);
    redis = new Redis(world.environment.REDIS_URL as string);
  });
  afterAll(async () => {
    redis.disconnect();
    await endWorld();
  });

  const keysOf = (id: string) => `{${world.environment.REDIS_PREFIX}}:session:${id}`;
  const idOf = (client: SessionClient) => client.cookie.split('=')[1] as string;

  it('go from view 5 on one replica to view 6 on the other', async () => {
    const client = new SessionClient();
    for (let views = 1; views <= 5; views++) {
      expect((await client.view(a.url)).body).toEqual({ views, user: null, instance: 'a' });
    }
    expect((await client.view(b.url)).body).toEqual({ views: 6, user: null, instance: 'b' });
  });

  it('count exactly 200 for 200 parallel views through two replicas', async () => {
    const client = new SessionClient();
    await client.view(a.url);
    const headers = { Cookie: client.cookie };
    const answers = await Promise.all(
      Array.from({ length: 199 }, (_, i) => ask(`${i % 2 ? a.url : b.url}/session`, { headers })),
    );
    const counted = answers.map(({ body }) => (body as { views: number }).views).sort((x, y) => x - y);
    expect(counted).toEqual(Array.from({ length: 199 }, (_, i) => i + 2));
    expect((await client.view(b.url)).body.views).toBe(201);
  });

  it('cost exactly one Redis round trip, rate limit included', async () => {
    const client = new SessionClient();
    await client.view(a.url);
    const seen: string[][] = [];
    const monitor = await redis.monitor();
    monitor.on('monitor', (_time: string, args: string[], source: string) => {
      if (source !== 'lua' && args.some((arg) => arg.includes(`${world.environment.REDIS_PREFIX}}:`))) seen.push(args);
    });
    for (let i = 0; i < 10; i++) await client.view(a.url);
    const done = new Promise<void>((resolve) =>
      monitor.on('monitor', (_t: string, args: string[]) => args[1] === 'end of the count' && resolve()),
    );
    await redis.echo('end of the count');
    await done;
    monitor.disconnect();
    expect(seen).toHaveLength(10);
    expect(new Set(seen.map(([command]) => command?.toLowerCase()))).toEqual(new Set(['evalsha']));
  });

  it('name the user under a new id and keep the views; the old id is nobody', async () => {
    const client = new SessionClient();
    for (let i = 0; i < 3; i++) await client.view(a.url);
    const old = client.cookie;
    const named = await client.send(`${b.url}/session`, json({ user: ' Zoë ' }));
    expect(named).toMatchObject({ status: 200, body: { views: 3, user: 'Zoë', instance: 'b' } });
    expect(client.cookie).not.toBe(old);
    expect((await client.view(a.url)).body).toMatchObject({ views: 4, user: 'Zoë' });
    const stale = new SessionClient();
    stale.cookie = old;
    expect((await stale.view(a.url)).body).toMatchObject({ views: 1, user: null });
  });

  it('never adopt an id that Redis does not know', async () => {
    const invented = 'A'.repeat(24);
    const client = new SessionClient();
    client.cookie = `session=${invented}`;
    expect((await client.view(a.url)).body.views).toBe(1);
    expect(idOf(client)).not.toBe(invented);
    expect(await redis.exists(keysOf(invented))).toBe(0);
    client.cookie = `session=${invented}`;
    await client.send(`${a.url}/session`, json({ user: 'x' }));
    expect(await redis.exists(keysOf(invented))).toBe(0);
  });

  it('are forgotten on request, without complaint when there is none', async () => {
    const client = new SessionClient();
    await client.view(a.url);
    const key = keysOf(idOf(client));
    expect(await redis.exists(key)).toBe(1);
    expect((await client.send(`${b.url}/session`, { method: 'DELETE' })).status).toBe(204);
    expect(await redis.exists(key)).toBe(0);
    expect((await ask(`${b.url}/session`, { method: 'DELETE' })).status).toBe(204);
  });

  it('expire only after they were unused for SESSION_TTL_SECONDS', async () => {
    const client = new SessionClient();
    await client.view(a.url);
    const key = keysOf(idOf(client));
    await redis.pexpire(key, 5000);
    await client.view(b.url);
    const left = await redis.pttl(key);
    expect(left).toBeGreaterThan(590_000);
    expect(left).toBeLessThanOrEqual(600_000);
    await redis.pexpire(key, 1);
    while (await redis.exists(key)) await redis.ping();
    expect((await client.view(b.url)).body.views).toBe(1);
  });

  it('have ids of at least 128 random bits in a cookie that scripts cannot read', async () => {
    const answer = await ask(`${a.url}/session`);
    expect(answer.headers.get('set-cookie')).toMatch(/^session=[\w-]{24}; Path=\/; HttpOnly; SameSite=Lax$/);
    const behindTls = await ask(`${a.url}/session`, {
      headers: { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '192.0.2.1' },
    });
    expect(behindTls.headers.get('set-cookie')).toMatch(
      /^__Host-session=[\w-]{24}; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    );
    expect(behindTls.headers.get('strict-transport-security')).toMatch(/^max-age=\d+/);
  });

  it('go on after Redis has forgotten the scripts', async () => {
    const client = new SessionClient();
    await client.view(a.url);
    await redis.script('FLUSH');
    expect(await client.view(a.url)).toMatchObject({ status: 200, body: { views: 2 } });
  });

  it.each([
    [{}, 'body.user'],
    [{ user: '' }, 'body.user'],
    [{ user: ' '.repeat(9) }, 'body.user'],
    [{ user: 'x'.repeat(65) }, 'body.user'],
    [{ user: 'a\u0000b' }, 'body.user'],
    [{ user: 7 }, 'body.user'],
    [{ user: 'x', views: 1000 }, 'body.views'],
  ])('refuse the name %j', async (body, field) => {
    const answer = await ask(`${a.url}/session`, json(body));
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_input', errors: [{ field }] } });
  });

  it('are limited per address, with RateLimit headers', async () => {
    const limited = await world.start({ INSTANCE: 'c', RATE_LIMIT_ADDRESS_PER_MINUTE: '5', TRUSTED_PROXY_HOPS: '1' });
    const headers = { 'X-Forwarded-For': '203.0.113.9' };
    const answers = [];
    for (let i = 0; i < 6; i++) answers.push(await ask(`${limited.url}/session`, { headers }));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429]);
    expect(answers[0]?.headers.get('ratelimit-policy')).toBe('"address";q=5;w=60');
    expect(answers[0]?.headers.get('ratelimit')).toBe('"address";r=4;t=12');
    expect(Number(answers[5]?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(answers[5]?.body).toMatchObject({ code: 'rate_limited' });
    const other = await ask(`${limited.url}/session`, { headers: { 'X-Forwarded-For': '203.0.113.9, 203.0.113.10' } });
    expect(other.status).toBe(200);
  });
});
