import { ask } from '../support/client.ts';
import { healthWith } from '../support/health-states.ts';
import { type ServiceProcess, startService } from '../support/service.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';

describe('health', () => {
  let world: World;
  let service: ServiceProcess;

  beforeAll(async () => {
    world = await createWorld();
    service = await world.start({ INSTANCE: 'healthy' });
  });
  afterAll(endWorld);

  it('names each dependency with state and latency', async () => {
    const answer = await healthWith(service.url, { redis: 'up', postgres: 'up', objects: 'up' });
    const up = { state: 'up', latencyMs: expect.any(Number) };
    expect(answer).toMatchObject({
      status: 200,
      body: { status: 'ready', instance: 'healthy', dependencies: { redis: up, postgres: up, objects: up } },
    });
  });

  it('is not lost with the dependencies', async () => {
    const alone = await startService({
      ...world.environment,
      REDIS_URL: 'redis://127.0.0.1:1',
      OBJECTS_DIR: `${world.environment.OBJECTS_DIR}-missing`,
    });
    const answer = await healthWith(alone.url, { redis: 'down', postgres: 'up' });
    expect(answer).toMatchObject({
      status: 200,
      body: { status: 'ready', dependencies: { redis: { state: 'down' }, postgres: { state: 'up' } } },
    });
    expect((await ask(`${alone.url}/live`)).status).toBe(200);
  });

  it('says starting until the schema is there, and lives meanwhile', async () => {
    const early = await startService(
      { ...world.environment, DATABASE_URL: 'postgres://127.0.0.1:1/none' },
      { until: 'listening' },
    );
    expect(await ask(`${early.url}/health`)).toMatchObject({
      status: 503,
      body: { status: 'starting', dependencies: { postgres: { state: 'down' } } },
    });
    expect((await ask(`${early.url}/live`)).status).toBe(200);
    expect(await ask(`${early.url}/session`)).toMatchObject({ status: 503, body: { code: 'not_ready' } });
    expect(await early.stop()).toBe(0);
  });

  it('says draining after SIGTERM, while requests are answered with Connection: close', async () => {
    const leaving = await world.start({ DRAIN_SETTLE_SECONDS: '3' });
    leaving.process.kill('SIGTERM');
    await waitFor('the drain', async () => (await ask(`${leaving.url}/health`)).status === 503);
    expect(await ask(`${leaving.url}/health`)).toMatchObject({ status: 503, body: { status: 'draining' } });
    expect((await ask(`${leaving.url}/live`)).status).toBe(200);
    const answer = await ask(`${leaving.url}/session`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('connection')).toBe('close');
    expect(await leaving.exited).toBe(0);
  });

  it('has metrics on a port of their own, with bounded labels', async () => {
    for (let i = 0; i < 30; i++) await ask(`${service.url}/files/${i}?x=${i}`);
    await ask(`${service.url}/nowhere/${Date.now()}`);
    const text = (await ask(service.metricsUrl)).body as string;
    expect(text).toMatch(/http_request_duration_seconds_count\{[^}]*route="unmatched"[^}]*\} \d/);
    expect(text).toMatch(/nodejs_eventloop_lag_seconds/);
    expect(text).toMatch(/postgres_pool_connections\{pool="writer",state="idle"/);
    expect(text).toMatch(/# TYPE cache_requests_total counter/);
    expect(text).toMatch(/cache_requests_total\{cache="keys",result="(hit|miss)"/);
    const routes = new Set([...text.matchAll(/route="([^"]*)"/g)].map(([, route]) => route));
    expect([...routes].every((route) => route === 'unmatched' || /^(\/|\/[a-z]+(\/:[a-z]+)?)$/.test(route ?? ''))).toBe(
      true,
    );
    expect((await ask(`${service.url}/metrics`)).status).toBe(404);
  });
});
