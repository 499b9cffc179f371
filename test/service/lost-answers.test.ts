import { ask } from '../support/client.ts';
import type { ServiceProcess } from '../support/service.ts';
import { type TcpProxy, tcpProxy } from '../support/tcp-proxy.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';

describe('when an answer gets lost between the service and its servers', () => {
  let world: World;
  const proxies: TcpProxy[] = [];

  beforeAll(async () => {
    world = await createWorld();
  });
  afterAll(async () => {
    await endWorld();
    for (const proxy of proxies) proxy.close();
  });

  async function through(
    variable: 'DATABASE_URL' | 'REDIS_URL',
  ): Promise<{ proxy: TcpProxy; service: ServiceProcess }> {
    const url = new URL(world.environment[variable] as string);
    const proxy = await tcpProxy(url);
    proxies.push(proxy);
    url.port = `${proxy.port}`;
    return { proxy, service: await world.start({ [variable]: url.href }) };
  }
  const upload = (service: ServiceProcess, key: string) =>
    ask(`${service.url}/upload`, {
      method: 'POST',
      headers: {
        'X-API-Key': world.adminKey,
        'Idempotency-Key': key,
        'Content-Disposition': 'attachment; filename=a.txt',
      },
      body: 'hello',
    });

  it('of the commit, the same upload again is stored for certain', async () => {
    const { proxy, service } = await through('DATABASE_URL');
    proxy.loseAnswerTo('COMMIT', 'UPDATE upload_keys SET answer');
    expect((await upload(service, 'lost-commit')).status).toBe(503);
    let again = await upload(service, 'lost-commit');
    await waitFor('the retry', async () => {
      if (again.status !== 201) again = await upload(service, 'lost-commit');
      return again.status === 201;
    });
    const { url } = again.body as { url: string };
    expect(await ask(service.url + url, { headers: { 'X-API-Key': world.adminKey } })).toMatchObject({
      status: 200,
      body: 'hello',
    });
  });

  it('of the claim of an Idempotency-Key, the key is free again', async () => {
    const { proxy, service } = await through('DATABASE_URL');
    proxy.loseAnswerTo('INSERT INTO upload_keys');
    expect((await upload(service, 'lost-claim')).status).toBe(503);
    // LONGEST_REQUEST_SECONDS is 35: a key that stayed claimed would answer 409 for longer than this waits.
    await waitFor('the retry', async () => (await upload(service, 'lost-claim')).status === 201);
  });

  it('of everything on a Redis connection that stays open, a new one is made within 5 s', async () => {
    const { proxy, service } = await through('REDIS_URL');
    expect((await ask(`${service.url}/session`)).status).toBe(200);
    proxy.silence();
    expect((await ask(`${service.url}/session`)).status).toBe(503);
    await waitFor('sessions', async () => (await ask(`${service.url}/session`)).status === 200, 5000);
  });
});
