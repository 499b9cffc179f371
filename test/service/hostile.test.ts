import { ask } from '../support/client.ts';
import { inspect, inspectable } from '../support/inspector.ts';
import { sendRaw } from '../support/raw.ts';
import { type ServiceProcess, startService } from '../support/service.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';
import { type Hostile, hostileRequests } from './hostile-requests.ts';

describe('hostile requests', () => {
  let world: World;
  let service: ServiceProcess;

  beforeAll(async () => {
    world = await createWorld();
    service = await world.start();
  });
  afterAll(endWorld);

  const send = ({ bytes }: Hostile, to = service) =>
    sendRaw(to.port, Buffer.from(bytes.replaceAll('KEY', world.adminKey), 'latin1'));

  it('are at least 60', () => {
    expect(hostileRequests.length).toBeGreaterThanOrEqual(60);
    expect(new Set(hostileRequests.map(({ bytes }) => bytes)).size).toBe(hostileRequests.length);
  });

  it.each(hostileRequests)('$what: $status $code', async (hostile) => {
    const answer = await send(hostile);
    expect({ status: answer.status, code: (JSON.parse(answer.body || '{}') as { code?: string }).code }).toEqual({
      status: hostile.status,
      code: hostile.code,
    });
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.headers['x-request-id']).toBeTruthy();
    expect(answer.answers).toBe(1);
    expect(answer.body).not.toMatch(/node_modules|\.js:|at \w+ \(|SELECT|postgres/);
    // What the validator says where nobody gave it words.
    expect(answer.body).not.toMatch(/Invalid (input|option|string)|Too (big|small)|expected|received undefined/);
  });

  it('leave no memory behind: at most 1 MB per 1,000 of them over ten rounds', async () => {
    const watched = await startService(world.environment, { nodeFlags: inspectable });
    const inspector = await inspect(watched);
    const thousand = Array.from({ length: 1000 }, (_, i) => hostileRequests[i % hostileRequests.length] as Hostile);
    const round = async () => {
      const queue = [...thousand];
      const worker = async () => {
        for (let next = queue.pop(); next; next = queue.pop()) await send(next, watched);
      };
      await Promise.all(Array.from({ length: 16 }, worker));
    };
    await round();
    const before = await inspector.memoryAfterGarbageCollection();
    for (let i = 0; i < 10; i++) await round();
    const grown = (await inspector.memoryAfterGarbageCollection()) - before;
    inspector.close();
    expect(grown).toBeLessThan(10 * 1024 ** 2);
  }, 120_000);

  it('leave the service well, without a fault in its log', async () => {
    expect((await ask(`${service.url}/health`)).status).toBe(200);
    expect(
      service.logs.filter(({ event, level }) => event === 'fault' || level === 'fatal' || level === 'raw'),
    ).toEqual([]);
  });
});
