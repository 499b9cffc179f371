import { Redis } from 'ioredis';
import { ask, json, SessionClient } from '../support/client.ts';
import { type OwnServer, ownRedis } from '../support/own-servers.ts';
import type { ServiceProcess } from '../support/service.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';

/** What design.md promises is 300 ms; the machine that runs the tests is shared. */
const promisedMs = 300;
const marginMs = 300;

describe('without Redis', () => {
  let world: World;
  let redis: OwnServer;
  let service: ServiceProcess;
  let headers: Record<string, string>;

  beforeAll(async () => {
    world = await createWorld();
    redis = await ownRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
    service = await world.start({ REDIS_URL: redis.url });
    headers = { 'X-API-Key': world.adminKey };
  });
  afterAll(async () => {
    await endWorld();
    redis.thaw();
    await redis.stop();
  });

  async function expectPromise(): Promise<void> {
    for (let i = 0; i < 5; i++) {
      const start = performance.now();
      const answer = await ask(`${service.url}/session`);
      expect(performance.now() - start).toBeLessThan(promisedMs + marginMs);
      expect(answer).toMatchObject({ status: 503, body: { code: 'sessions_unavailable' } });
      expect(answer.headers.get('retry-after')).toBe('2');
    }
    expect((await ask(`${service.url}/session`, json({ user: 'x' }))).status).toBe(503);
    expect((await ask(`${service.url}/files`, { headers })).status).toBe(200);
    expect((await ask(`${service.url}/files`)).body).toMatchObject({ code: 'key_missing' });
    expect((await ask(`${service.url}/live`)).status).toBe(200);
    const health = await ask(`${service.url}/health`);
    expect(health).toMatchObject({
      status: 200,
      body: { dependencies: { redis: { state: 'down' }, postgres: { state: 'up' } } },
    });
  }

  /** Sessions answer again within 5 s, without a restart of the service. */
  const recovery = (client: SessionClient, views: number) =>
    waitFor('sessions', async () => (await client.view(service.url)).status === 200, 5000).then(async () => {
      expect((await client.view(service.url)).body.views).toBeGreaterThan(views);
    });

  it('that is frozen, sessions answer 503 in time and come back, files go on', async () => {
    const client = new SessionClient();
    for (let i = 0; i < 3; i++) await client.view(service.url);
    redis.freeze();
    await expectPromise();
    redis.thaw();
    await recovery(client, 3);
  });

  it('that is killed, sessions answer 503 in time and come back with their views, files go on', async () => {
    const client = new SessionClient();
    for (let i = 0; i < 3; i++) await client.view(service.url);
    await redis.kill();
    await expectPromise();
    await redis.restart();
    await recovery(client, 3);
  });

  it('the limit per key still counts, on each replica for itself', async () => {
    const limited = await world.start({ REDIS_URL: 'redis://127.0.0.1:1', RATE_LIMIT_KEY_PER_MINUTE: '3' });
    const statuses = [];
    for (let i = 0; i < 4; i++) statuses.push((await ask(`${limited.url}/files`, { headers })).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
  });

  it('that turns read-only, as in a failover, is left for the new primary behind the same address', async () => {
    const client = new SessionClient();
    await client.view(service.url);
    const control = new Redis(redis.url);
    await control.replicaof('127.0.0.1', '1');
    const answers = await Promise.all(Array.from({ length: 5 }, () => client.view(service.url)));
    expect(answers.every(({ status }) => status === 503)).toBe(true);
    await control.replicaof('NO', 'ONE');
    control.disconnect();
    await recovery(client, 1);
  });
});
