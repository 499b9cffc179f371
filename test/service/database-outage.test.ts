import { ask } from '../support/client.ts';
import { databaseUrl, prepareDatabase, users } from '../support/databases.ts';
import { barePostgres, type OwnPostgres } from '../support/own-postgres.ts';
import { runCommand, type ServiceProcess, startService, tryCommand } from '../support/service.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, endWorld, type ServiceEnvironment, type World } from '../support/world.ts';
import { elapsed, expectWithin } from './in-time.ts';

/** The settings below: connecting and one query, with the grace for a cancelled one. */
const timeouts = { DATABASE_CONNECT_TIMEOUT_MS: '1000', DATABASE_QUERY_TIMEOUT_MS: '1000' };
const promisedMs = 1500;
const marginMs = 1000;
const recoveryMs = 5000;
/** Longest time for which a key is believed without asking. */
const keyCacheMs = 4000;

describe('a service whose PostgreSQL goes away', () => {
  let world: World;
  let server: OwnPostgres;
  let database: ServiceEnvironment;
  let service: ServiceProcess;
  let adminKey: string;

  beforeAll(async () => {
    world = await createWorld();
    server = await barePostgres();
    database = {
      DATABASE_URL: databaseUrl(server.url, 'slipway'),
      DATABASE_TLS: 'disable',
      DATABASE_CREDENTIALS: JSON.stringify(users.appA),
      ...timeouts,
    };
  });
  afterAll(async () => {
    await endWorld();
    await server.stop();
  });

  const list = () => ask(`${service.url}/files`, { headers: { 'X-API-Key': adminKey } });
  const statusOf = async (path: string) => (await ask(`${service.url}${path}`)).status;

  it('starts without a schema, says so, and is ready once it has been migrated', async () => {
    service = await startService({ ...world.environment, ...database }, { until: 'listening' });
    expect(await statusOf('/live')).toBe(200);
    expect(await statusOf('/health')).toBe(503);
    await waitFor('the log', () => service.logs.some(({ event }) => event === 'waiting_for_schema'));
    await prepareDatabase(server.url, 'slipway');
    await waitFor('readiness', async () => (await statusOf('/health')) === 200);
    adminKey = await runCommand(['admin-key', '--name', 'first'], database as Record<string, string>);
    expect((await list()).status).toBe(200);
  });

  /** Nothing but what needs the database is touched, nobody gets in unchecked, and nothing is secret or internal. */
  async function expectOutage(): Promise<void> {
    const startMs = performance.now();
    const first = await list();
    const firstMs = performance.now() - startMs;
    expect(first).toMatchObject({ status: 503, body: { code: 'database_unavailable' } });
    expect(first.headers.get('retry-after')).toBe('2');
    expect(JSON.stringify(first.body)).not.toMatch(/ECONN|timeout|SELECT|127\.0\.0\.1/);
    expect(firstMs).toBeLessThan(2 * promisedMs + marginMs);
    const many = async () => {
      const answers = await Promise.all(Array.from({ length: 50 }, list));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    };
    await expectWithin(marginMs, () => elapsed(many));
    expect(await statusOf('/session')).toBe(200);
    expect(await statusOf('/live')).toBe(200);
    const health = await ask(`${service.url}/health`);
    expect(health).toMatchObject({ status: 200, body: { dependencies: { postgres: { state: 'down' } } } });
    const strangers = [`slw_${'A'.repeat(12)}_${'A'.repeat(43)}`, `slw_${adminKey.slice(4, 16)}_${'A'.repeat(43)}`];
    for (const key of strangers) {
      const { status } = await ask(`${service.url}/load/1`, { headers: { 'X-API-Key': key } });
      expect([401, 503]).toContain(status);
    }
    // What is known of a key is soon too old to be believed; then the route is closed, not open.
    await waitFor(
      'the end of what is known of the key',
      async () => (await ask(`${service.url}/load/1`, { headers: { 'X-API-Key': adminKey } })).status === 503,
      keyCacheMs + marginMs,
    );
  }
  const expectRecovery = () => waitFor('recovery', async () => (await list()).status === 200, recoveryMs);

  it('frozen: the promised answer in time, and back within 5 s', async () => {
    expect((await list()).status).toBe(200);
    server.freeze();
    try {
      await expectOutage();
    } finally {
      server.thaw();
    }
    await expectRecovery();
  });

  it('killed and restarted: the same', async () => {
    await server.kill();
    await expectOutage();
    await server.restart();
    await expectRecovery();
  });

  it('a command without the database ends with a clear error', async () => {
    await server.kill();
    const { code, stderr, stdout } = await tryCommand(['admin-key'], database as Record<string, string>);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^admin-key failed: connect ECONNREFUSED 127\.0\.0\.1:\d+\n$/);
    await server.restart();
    await expectRecovery();
  });

  it('no log line has a password', () => {
    const text = JSON.stringify(service.logs);
    expect(text).toContain('database_lost');
    expect(text).toContain('database_back');
    expect(text).not.toContain(users.appA.password);
    expect(text).not.toContain(adminKey);
  });
});
