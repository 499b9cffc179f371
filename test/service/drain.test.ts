import { createHash, randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { type Balancer, startBalancer } from '../../local/balancer/balancer.ts';
import { type ServiceProcess, startService } from '../support/service.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';

const connections = 50;
const pauseMs = 100;

/** Clients that each keep one connection and ask for /session again and again. */
class Traffic {
  answered = 0;
  readonly failures: string[] = [];
  #on = true;
  readonly #clients: Promise<void>[];

  constructor(port: () => number) {
    this.#clients = Array.from({ length: connections }, () => this.#client(port));
  }

  async #client(port: () => number): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (this.#on) {
      await new Promise<void>((resolve) => {
        const asked = request({ agent, port: port(), host: '127.0.0.1', path: '/session' }, (answer) => {
          answer.resume().once('end', resolve);
          if (answer.statusCode === 200) this.answered++;
          else this.failures.push(`status ${answer.statusCode}`);
        });
        asked.once('error', (error) => {
          this.failures.push(error.message);
          resolve();
        });
        asked.end();
      });
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    agent.destroy();
  }

  async end(): Promise<void> {
    this.#on = false;
    await Promise.all(this.#clients);
  }
}

interface Upload {
  status: number;
  body: string;
}

/** An upload of known length that takes about `seconds`: a tick that comes late sends what has fallen due. */
function slowUpload(port: number, key: string, bytes: Buffer, seconds: number): Promise<Upload> {
  return new Promise((resolve) => {
    const headers = {
      'X-API-Key': key,
      'Content-Disposition': 'attachment; filename=slow.bin',
      'Content-Length': bytes.length,
    };
    const sent = request(
      { port, host: '127.0.0.1', method: 'POST', path: '/upload', headers, agent: false },
      async (answer) => {
        const body = Buffer.concat(await answer.toArray().catch(() => [])).toString();
        resolve({ status: answer.statusCode ?? 0, body });
      },
    );
    sent.once('error', (error) => resolve({ status: 0, body: error.message }));
    const startMs = performance.now();
    let at = 0;
    const timer = setInterval(() => {
      const due = Math.ceil((bytes.length * (performance.now() - startMs)) / (seconds * 1000));
      sent.write(bytes.subarray(at, due));
      at = due;
      if (at < bytes.length && !sent.destroyed) return;
      clearInterval(timer);
      sent.end();
    }, 100);
  });
}

describe('SIGTERM', () => {
  let world: World;
  let stays: ServiceProcess;
  let balancer: Balancer;

  beforeAll(async () => {
    world = await createWorld();
    stays = await world.start({ INSTANCE: 'stays', DRAIN_SETTLE_SECONDS: '4' });
  });
  afterAll(async () => {
    await balancer?.close();
    await endWorld();
  });

  async function behindBalancer(leaves: ServiceProcess): Promise<void> {
    await balancer?.close();
    const targets = [stays, leaves].map(({ port }) => ({ host: '127.0.0.1', port }));
    balancer = await startBalancer({ targets, health: { intervalMs: 500 } });
    await waitFor('both replicas behind the balancer', () =>
      balancer.targets().every(({ state }) => state === 'healthy'),
    );
  }

  /** Uploads through the balancer until one has gone to that replica. */
  async function uploadTo(replica: ServiceProcess, bytes: Buffer, seconds: number): Promise<Promise<Upload>[]> {
    const uploads = [0, 1].map(() => slowUpload(balancer.port, world.adminKey, bytes, seconds));
    const busy = () => balancer.targets().find(({ port }) => port === replica.port)?.inFlight === 1;
    await waitFor('an upload to the replica', busy);
    return uploads;
  }

  it('under 50 keep-alive connections, with a 30 s upload in flight, loses no request through the balancer', async () => {
    const leaves = await world.start({ INSTANCE: 'leaves', DRAIN_SETTLE_SECONDS: '4' });
    await behindBalancer(leaves);
    const bytes = randomBytes(3_000_000);
    const uploads = await uploadTo(leaves, bytes, 30);
    const traffic = new Traffic(() => balancer.port);
    await waitFor('traffic', () => traffic.answered > 200);
    leaves.process.kill('SIGTERM');
    expect(await leaves.exited).toBe(0);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    for (const upload of uploads) {
      const { status, body } = await upload;
      expect({ status, body: JSON.parse(body) }).toMatchObject({ status: 201, body: { sha256, size: bytes.length } });
    }
    const before = traffic.answered;
    await waitFor('traffic on the replica that stays', () => traffic.answered > before + 100);
    await traffic.end();
    expect(traffic.failures).toEqual([]);
    const { balancer: own, cuts } = balancer.counters();
    expect({ own, cuts }).toEqual({ own: {}, cuts: 0 });
  }, 90_000);

  it('resets no keep-alive connection of clients that have no balancer', async () => {
    const leaves = await world.start({ INSTANCE: 'leaves', DRAIN_SETTLE_SECONDS: '2' });
    let port = leaves.port;
    const traffic = new Traffic(() => port);
    await waitFor('traffic', () => traffic.answered > 200);
    leaves.process.kill('SIGTERM');
    const answered = traffic.answered;
    await waitFor('answers while it drains', () => traffic.answered > answered + 200);
    port = stays.port;
    expect(await leaves.exited).toBe(0);
    await traffic.end();
    expect(traffic.failures).toEqual([]);
  }, 60_000);

  it('twice ends at once, whatever is in flight', async () => {
    const leaves = await world.start({ INSTANCE: 'leaves', DRAIN_SETTLE_SECONDS: '300' });
    await behindBalancer(leaves);
    const uploads = await uploadTo(leaves, randomBytes(300_000), 30);
    leaves.process.kill('SIGTERM');
    await waitFor('the drain', () => leaves.logs.some(({ event }) => event === 'drain'));
    leaves.process.kill('SIGTERM');
    expect(await leaves.exited).toBe(0);
    expect((await Promise.race(uploads)).status).toBe(502);
  });

  it('does lose requests without the drain, which the first test would see', async () => {
    const flags = ['--import', join(__dirname, '..', 'support', 'no-drain.mjs')];
    const leaves = await startService({ ...world.environment, INSTANCE: 'leaves' }, { nodeFlags: flags });
    await behindBalancer(leaves);
    const uploads = await uploadTo(leaves, randomBytes(300_000), 10);
    const traffic = new Traffic(() => balancer.port);
    await waitFor('traffic', () => traffic.answered > 200);
    leaves.process.kill('SIGTERM');
    await leaves.exited;
    const statuses = (await Promise.all(uploads)).map(({ status }) => status);
    await traffic.end();
    expect(statuses.filter((status) => status !== 201)).toHaveLength(1);
    expect(balancer.counters().balancer[502] ?? 0).toBeGreaterThan(0);
  });
});
