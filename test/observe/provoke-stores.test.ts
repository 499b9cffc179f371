// Alerts provoked for real: Redis and PostgreSQL are taken away, the pool is exhausted; each fires, and ends when it is over.
import { Client } from 'pg';
import { machineScope, ruleGroups } from '../../observability/rules/index.ts';
import { users } from '../support/databases.ts';
import { type OwnPostgres, ownPostgres } from '../support/own-postgres.ts';
import { type OwnServer, ownRedis } from '../support/own-servers.ts';
import { runCommand, type ServiceProcess } from '../support/service.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, endWorld } from '../support/world.ts';
import { type Traffic, timeScale, traffic, type Watch, watch } from './support/provoked.ts';

let redis: OwnServer;
let postgres: OwnPostgres;
let service: ServiceProcess;
let headers: Record<string, string>;
let watched: Watch;
let load: Traffic;

beforeAll(async () => {
  const world = await createWorld();
  redis = await ownRedis();
  postgres = await ownPostgres();
  const database = {
    DATABASE_URL: postgres.address,
    DATABASE_TLS: 'disable',
    DATABASE_CREDENTIALS: JSON.stringify(users.appA),
  };
  // Requests that wait shall go on waiting: it is their number that is watched.
  const patience = { DATABASE_CONNECT_TIMEOUT_MS: '60000', DATABASE_QUERY_TIMEOUT_MS: '60000' };
  headers = { 'X-API-Key': await runCommand(['admin-key'], { ...database, ...patience }) };
  service = await world.start({ ...database, ...patience, DATABASE_POOL_SIZE: '2', REDIS_URL: redis.url });
  watched = await watch([service]);
  load = traffic(() => [
    { url: `${service.url}/health` },
    { url: `${service.url}/session` },
    { url: `${service.url}/files`, headers },
  ]);
}, 400_000);
afterAll(async () => {
  await load?.stop();
  await watched?.prometheus.stop();
  await endWorld();
  await Promise.all([redis?.stop(), postgres?.stop()]);
}, 200_000);

const share = /^\d+(\.\d+)?% of /;

/** Those of this file: on a machine that is busy itself, one on latency may be right to fire. */
const provoked = ['RedisLost', 'PostgresLost', 'ObjectStoreLost', 'PoolExhausted', 'AvailabilityBudgetGoneIn2Days'];

it('at rest none of them fires', async () => {
  await waitFor(
    'the first shares of bad requests',
    async () => (await watched.prometheus.query('service:slo_bad:ratio_rate5m')).length === 4,
    60_000,
    500,
  );
  const firing = await watched.firing();
  expect(provoked.filter((name) => firing.includes(name))).toEqual([]);
});

it('every metric and every recorded series that the rules name is there', async () => {
  const rules = ruleGroups(machineScope('slipway'), timeScale).flatMap((group) => group.rules);
  const names = new Set(
    rules.flatMap(({ expr }) => [...expr.matchAll(/[a-z][a-z0-9_:]+(?=\{)/g)].map(([name]) => name)),
  );
  expect(names.size).toBeGreaterThan(12);
  for (const rule of rules) if ('record' in rule) names.add(rule.record);
  let missing: string[] = [];
  await waitFor(
    'series of all rules',
    async () => {
      const counts = await Promise.all(
        [...names].map(async (name) => ({ name, series: await watched.prometheus.query(`count(${name})`) })),
      );
      missing = counts.filter(({ series }) => series.length === 0).map(({ name }) => name);
      return missing.length === 0;
    },
    60_000,
    1000,
  ).catch((error: Error) => {
    throw new Error(`${error.message}: ${missing.join(', ')}`);
  });
});

it('Redis is stopped: RedisLost, and the budget of availability burns; both end when it is back', async () => {
  await redis.kill();
  const lost = await watched.fires('RedisLost');
  expect(lost.labels).toMatchObject({ severity: 'page', namespace: 'local', service: 'slipway', dependency: 'redis' });
  expect(lost.annotations.description).toMatch(share);
  const burning = await watched.fires('AvailabilityBudgetGoneIn2Days');
  expect(burning.annotations.description).toMatch(share);
  expect(await watched.firing()).not.toContain('PostgresLost');
  await redis.restart();
  await watched.ends('RedisLost');
  await watched.ends('AvailabilityBudgetGoneIn2Days');
}, 600_000);

it('every connection of the pool is held by a lock: PoolExhausted, until it is released', async () => {
  const superuser = new URL(postgres.url);
  superuser.pathname = '/slipway';
  const locking = new Client({ connectionString: superuser.href });
  await locking.connect();
  try {
    await locking.query('BEGIN');
    await locking.query('LOCK TABLE files IN ACCESS EXCLUSIVE MODE');
    // Two hold the connections, the others wait for one.
    const held = Array.from({ length: 6 }, () => fetch(`${service.url}/files`, { headers }));
    const alert = await watched.fires('PoolExhausted');
    expect(alert.labels).toMatchObject({ severity: 'ticket', pool: 'writer' });
    expect(alert.annotations.description).toMatch(/ minutes \d+(\.\d+)? requests of a replica or more waited/);
    await locking.query('ROLLBACK');
    await Promise.all(held);
  } finally {
    await locking.end();
  }
  await watched.ends('PoolExhausted');
}, 600_000);

it('PostgreSQL is stopped: PostgresLost, and its 5xx burn the budget; both end when it is back', async () => {
  await watched.ends('AvailabilityBudgetGoneIn2Days');
  await postgres.kill();
  expect((await watched.fires('PostgresLost')).labels).toMatchObject({ severity: 'page', dependency: 'postgres' });
  expect((await watched.fires('AvailabilityBudgetGoneIn2Days')).labels).toMatchObject({ objective: 'availability' });
  await postgres.restart();
  await watched.ends('PostgresLost');
  await watched.ends('AvailabilityBudgetGoneIn2Days');
}, 600_000);
