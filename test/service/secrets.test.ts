import { ask, json, SessionClient } from '../support/client.ts';
import { users } from '../support/databases.ts';
import { type ServiceProcess, startService, tryCommand } from '../support/service.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';

describe('secrets are in no log, metric or answer', () => {
  let world: World;
  beforeAll(async () => {
    world = await createWorld();
  });
  afterAll(endWorld);

  async function everythingSaidBy(service: ServiceProcess): Promise<string> {
    const metrics = (await ask(service.metricsUrl)).body as string;
    const health = JSON.stringify((await ask(`${service.url}/health`)).body);
    await service.stop();
    return JSON.stringify(service.logs) + metrics + health;
  }

  it('of keys and sessions, used well and badly', async () => {
    const service = await world.start({ LOG_LEVEL: 'debug' });
    const headers = { 'X-API-Key': world.adminKey };
    const client = new SessionClient();
    await client.view(service.url);
    const session = client.cookie.split('=')[1] as string;
    await client.send(`${service.url}/session`, json({ user: 'x' }));
    const made = await ask(`${service.url}/keys`, json({ name: 'new', scopes: ['load'] }, headers));
    const { key } = made.body as { key: string };
    const tampered = `${world.adminKey.slice(0, -4)}AAAA`;
    const answers = [
      await ask(`${service.url}/files`, { headers }),
      await ask(`${service.url}/files`, { headers: { 'X-API-Key': key } }),
      await ask(`${service.url}/files`, { headers: { 'X-API-Key': tampered } }),
      await ask(`${service.url}/keys`, { headers }),
      await client.send(`${service.url}/session`, json({ user: '' })),
    ];
    const said = JSON.stringify(answers.map(({ body }) => body)) + (await everythingSaidBy(service));
    const secretOf = (text: string) => text.split('_').at(-1) as string;
    for (const secret of [
      world.adminKey,
      secretOf(world.adminKey),
      key,
      secretOf(key),
      tampered,
      session,
      client.cookie.split('=')[1],
    ]) {
      expect(said).not.toContain(secret);
    }
  });

  it('of passwords, when they are right and when they are refused', async () => {
    const wrong = { ...users.appA, password: 'wrong-database-password' };
    const redisUrl = new URL(world.environment.REDIS_URL as string);
    redisUrl.username = 'somebody';
    redisUrl.password = 'wrong-redis-password';
    const settings = {
      ...world.environment,
      LOG_LEVEL: 'debug',
      DATABASE_CREDENTIALS: JSON.stringify(wrong),
      REDIS_URL: redisUrl.href,
    };
    const service = await startService(settings, { until: 'listening' });
    await waitFor('a refused connection', () => service.logs.length > 2);
    await ask(`${service.url}/session`);
    const said = await everythingSaidBy(service);
    for (const secret of ['wrong-database-password', 'wrong-redis-password', users.appA.password])
      expect(said).not.toContain(secret);
  });

  it('of settings that are refused', async () => {
    const { code, stdout, stderr } = await tryCommand(['--check-settings'], {
      DATABASE_URL: 'postgres://user:secret-in-the-url@:bad',
      REDIS_URL: 'http://:secret-in-the-url@cache',
      DATABASE_CREDENTIALS: '{"username":"a","password":"secret-in-the-url"',
      REDIS_CREDENTIALS: '["secret-in-the-url"]',
    });
    expect(code).toBe(1);
    const said = stdout + stderr; // the log of a pod is both
    expect(said).toMatch(/DATABASE_URL must be a URL/);
    expect(said).toMatch(/DATABASE_CREDENTIALS must be a JSON object/);
    expect(said).not.toContain('secret-in-the-url');
  });
});
