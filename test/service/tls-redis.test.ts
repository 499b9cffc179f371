import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { ask, SessionClient } from '../support/client.ts';
import { type OwnServer, ownRedis } from '../support/own-servers.ts';
import { sharedServers } from '../support/shared-servers.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';

describe('Redis over TLS with an ACL user', () => {
  let world: World;
  let certificates: Certificates;
  let redis: OwnServer;
  let tlsPort: number;
  const user = { username: 'slipway', password: 'first-password' };

  beforeAll(async () => {
    world = await createWorld();
    certificates = makeCertificates('127.0.0.1');
    const { freePort } = await import('../../local/ports.ts');
    tlsPort = await freePort();
    redis = await ownRedis([
      ...['--tls-port', `${tlsPort}`, '--tls-auth-clients', 'no', '--tls-ca-cert-file', certificates.caFile],
      ...['--tls-cert-file', certificates.certFile, '--tls-key-file', certificates.keyFile],
    ]);
    const control = new Redis(redis.url);
    await control.acl('SETUSER', user.username, 'on', `>${user.password}`, '~{*', '&*', '+@all', '-@dangerous');
    control.disconnect();
  });
  afterAll(async () => {
    await endWorld();
    await redis.stop();
  });

  const state = async (url: string) =>
    ((await ask(`${url}/health`)).body as { dependencies: { redis: { state: string } } }).dependencies.redis.state;

  it('serves sessions when authority, host name and user are right', async () => {
    const service = await world.start({
      REDIS_URL: `rediss://127.0.0.1:${tlsPort}`,
      REDIS_CA: certificates.ca,
      REDIS_CREDENTIALS: JSON.stringify(user),
    });
    await waitFor('Redis', async () => (await state(service.url)) === 'up');
    expect((await new SessionClient().view(service.url)).body.views).toBe(1);
  });

  it.each([
    [
      'another authority',
      () => ({ REDIS_URL: `rediss://127.0.0.1:${tlsPort}`, REDIS_CA: makeCertificates('127.0.0.1').ca }),
    ],
    ['no authority', () => ({ REDIS_URL: `rediss://127.0.0.1:${tlsPort}` })],
    ['another host name', () => ({ REDIS_URL: `rediss://localhost:${tlsPort}`, REDIS_CA: certificates.ca })],
    [
      'a wrong password',
      () => ({
        REDIS_URL: `rediss://127.0.0.1:${tlsPort}`,
        REDIS_CA: certificates.ca,
        REDIS_CREDENTIALS: '{"username":"slipway","password":"wrong"}',
      }),
    ],
  ])('is refused with %s', async (_, overrides) => {
    const service = await world.start({ REDIS_CREDENTIALS: JSON.stringify(user), ...overrides() });
    for (let i = 0; i < 5; i++) {
      expect(await state(service.url)).toBe('down');
      expect((await ask(`${service.url}/session`)).status).toBe(503);
    }
  });

  it('takes a rotated password with the next connection and fails no request before', async () => {
    const file = join(sharedServers().dir, `redis-credentials-${process.pid}`);
    writeFileSync(file, JSON.stringify(user));
    const service = await world.start({
      REDIS_URL: `rediss://127.0.0.1:${tlsPort}`,
      REDIS_CA: certificates.ca,
      REDIS_CREDENTIALS_FILE: file,
    });
    await waitFor('Redis', async () => (await state(service.url)) === 'up');
    const control = new Redis(redis.url);
    const client = new SessionClient();
    await control.acl('SETUSER', user.username, '>second-password');
    writeFileSync(file, JSON.stringify({ ...user, password: 'second-password' }));
    for (let i = 0; i < 10; i++) expect((await client.view(service.url)).status).toBe(200);
    await control.acl('SETUSER', user.username, '<first-password');
    await control.client('KILL', 'USER', user.username);
    control.disconnect();
    await waitFor(
      'a connection with the new password',
      async () => (await client.view(service.url)).status === 200,
      5000,
    );
  });
});
