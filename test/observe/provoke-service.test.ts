// Alerts provoked for real: answers that take too long, and a service that is gone.
import type { ServiceProcess } from '../support/service.ts';
import { type TcpProxy, tcpProxy } from '../support/tcp-proxy.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';
import { type Traffic, traffic, type Watch, watch } from './support/provoked.ts';

/** Above the highest ceiling, 250 ms. */
const delayMs = 300;

let world: World;
let proxy: TcpProxy;
let quick: ServiceProcess;
let slow: ServiceProcess;
let asked: ServiceProcess;
let watched: Watch;
let load: Traffic;

beforeAll(async () => {
  world = await createWorld();
  proxy = await tcpProxy(new URL(world.environment.REDIS_URL as string), { delayMs });
  quick = await world.start();
  slow = await world.start({ REDIS_URL: `redis://127.0.0.1:${proxy.port}`, REDIS_TIMEOUT_MS: '5000' });
  asked = quick;
  watched = await watch([quick, slow]);
  load = traffic(() => Array.from({ length: 5 }, () => ({ url: `${asked.url}/session` })));
}, 400_000);
afterAll(async () => {
  await load?.stop();
  await watched?.prometheus.stop();
  await endWorld();
  proxy?.close();
}, 200_000);

it('answers that wait for a slow Redis: the budgets of p95 and p99 burn, and no longer when it is quick again', async () => {
  const alerts = ['LatencyP95BudgetGoneIn2Days', 'LatencyP99BudgetGoneIn2Days'];
  const firing = await watched.firing();
  expect(alerts.filter((name) => firing.includes(name))).toEqual([]);
  asked = slow;
  for (const name of alerts) {
    const { labels, annotations } = await watched.fires(name);
    expect(labels).toMatchObject({ severity: 'page', namespace: 'local', service: 'slipway' });
    expect(annotations.description).toMatch(/^\d+(\.\d+)?% of the requests of the last 1h took longer than \d+ ms/);
  }
  // Slow is not failed.
  expect(await watched.firing()).not.toContain('AvailabilityBudgetGoneIn2Days');
  asked = quick;
  for (const name of alerts) await watched.ends(name);
}, 600_000);

it('all replicas are gone, as targets too: ServiceDown, until there is one again', async () => {
  await Promise.all([quick.stop(), slow.stop()]);
  await watched.replicas([]);
  expect((await watched.fires('ServiceDown')).labels).toMatchObject({
    severity: 'page',
    namespace: 'local',
    service: 'slipway',
  });
  const again = await world.start();
  await watched.replicas([again]);
  await watched.ends('ServiceDown');
}, 600_000);
