import { readFileSync } from 'node:fs';
import { ask } from '../support/client.ts';
import type { ServiceProcess } from '../support/service.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';
import { expectWithin } from './in-time.ts';

/** CPU seconds (user and system, all threads) that a process has used: fields 14 and 15 of /proc/PID/stat, in ticks of 10 ms. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

describe('/load', () => {
  let world: World;
  let service: ServiceProcess;
  let headers: Record<string, string>;

  beforeAll(async () => {
    world = await createWorld();
    service = await world.start({ LOAD_MAX_MS: '3000', LOAD_WORKERS: '1' });
    headers = { 'X-API-Key': world.adminKey };
  });
  afterAll(endWorld);

  it('burns as much CPU as it says', async () => {
    const before = cpuSeconds(service.pid);
    const answer = await ask(`${service.url}/load/1000`, { headers });
    const burnt = cpuSeconds(service.pid) - before;
    expect(answer).toMatchObject({ status: 200, body: { ms: 1000 } });
    expect(burnt).toBeGreaterThanOrEqual(0.95);
    expect(burnt).toBeLessThan(1.6);
  });

  /** @returns how long the slowest of the others took, in ms */
  async function answersWhileItBurns(): Promise<number> {
    let burning = true;
    const burn = ask(`${service.url}/load/2500`, { headers }).finally(() => {
      burning = false;
    });
    let slowestMs = 0;
    let busy = 0;
    let rounds = 0;
    while (burning) {
      for (const path of ['live', 'session']) {
        const start = performance.now();
        const answer = await ask(`${service.url}/${path}`);
        slowestMs = Math.max(slowestMs, performance.now() - start);
        expect(answer.status).toBe(200);
      }
      const second = await ask(`${service.url}/load/10`, { headers });
      if (burning && second.status === 503) {
        busy++;
        expect(second.body).toMatchObject({ code: 'burners_busy' });
        expect(second.headers.get('retry-after')).toBe('1');
      }
      rounds++;
    }
    expect((await burn).status).toBe(200);
    expect(busy).toBeGreaterThan(0);
    expect(rounds).toBeGreaterThan(20);
    return slowestMs;
  }

  // The promise is 100 ms; the margin is for a machine that others use too.
  it('leaves /live and /session answering while it burns, and answers 503 when the burners are busy', () =>
    expectWithin(500, answersWhileItBurns));

  it('stops burning when the client goes away', async () => {
    const abort = new AbortController();
    const gone = fetch(`${service.url}/load/3000`, { headers, signal: abort.signal }).catch(() => undefined);
    const isBusy = async () => (await ask(`${service.url}/load/1`, { headers })).status === 503;
    await waitFor('the burn', isBusy);
    const before = cpuSeconds(service.pid);
    abort.abort();
    await gone;
    await waitFor('its end', async () => !(await isBusy()));
    expect(cpuSeconds(service.pid) - before).toBeLessThan(2);
  });

  it('needs a key with the scope load', async () => {
    expect((await ask(`${service.url}/load/1`)).body).toMatchObject({ code: 'key_missing' });
    const made = await ask(`${service.url}/keys`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: 'reader', scopes: ['files:read'] }),
    });
    const { key } = made.body as { key: string };
    const answer = await ask(`${service.url}/load/1`, { headers: { 'X-API-Key': key } });
    expect(answer).toMatchObject({
      status: 403,
      body: { code: 'scope_missing', detail: 'This route needs the scope load.' },
    });
  });

  it('is capped by LOAD_MAX_MS', async () => {
    const answer = await ask(`${service.url}/load/3001`, { headers });
    expect(answer).toMatchObject({
      status: 422,
      body: { errors: [{ field: 'params.ms', message: 'must be at most 3000 ms' }] },
    });
  });
});
