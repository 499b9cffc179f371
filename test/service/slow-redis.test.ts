import { ask } from '../support/client.ts';
import { type TcpProxy, tcpProxy } from '../support/tcp-proxy.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';

describe('a Redis that is slow to connect', () => {
  let world: World;
  let proxy: TcpProxy;

  beforeAll(async () => {
    world = await createWorld();
    proxy = await tcpProxy(new URL(world.environment.REDIS_URL as string), { delayMs: 200 });
  });
  afterAll(async () => {
    await endWorld();
    proxy.close();
  });

  it('is waited for before the replica says that it is ready', async () => {
    const service = await world.start({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
    expect((await ask(`${service.url}/session`)).status).toBe(200);
  });
});
