// The rotation functions' own source, on a real PostgreSQL and a real Redis with the service on them. Secrets Manager is emulated.
import { randomUUID } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { Redis } from 'ioredis';
import { alternatingUsers } from '../../infra/rotation/alternating-users.ts';
import { type Rotation, rotate } from '../../infra/rotation/rotate.ts';
import { type Credentials, SecretVersions } from '../../infra/rotation/secret-versions.ts';
import { twoPasswords } from '../../infra/rotation/two-passwords.ts';
import { ask, SessionClient } from '../support/client.ts';
import { users } from '../support/databases.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';
import { type OwnPostgres, ownPostgres } from '../support/own-postgres.ts';
import { type OwnServer, ownRedis } from '../support/own-servers.ts';
import { runCommand, type ServiceProcess, startService } from '../support/service.ts';
import { sharedServers } from '../support/shared-servers.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';
import { propertiesOf, template } from './support/templates.ts';

const steps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;
const redisUser: Credentials = { username: 'slipway_app', password: 'first-password' };

const master: Credentials = { username: 'slipway_master', password: 'master-password' };

let world: World;
let ministack: Ministack;
let versions: SecretVersions;
let postgres: OwnPostgres;
let redis: OwnServer;
let admin: Redis;
let ofDatabase: Rotation;
let ofCache: Rotation;

/** As External Secrets keeps a mounted file equal to a secret. */
const fileOf = (secret: string) =>
  join(sharedServers().dir, `rotation-${process.pid}-${secret.replaceAll('/', '-')}.json`);
async function mount(secret: string): Promise<void> {
  writeFileSync(`${fileOf(secret)}.new`, JSON.stringify(await versions.current(secret)));
  renameSync(`${fileOf(secret)}.new`, fileOf(secret));
}

async function rotated(secret: string, rotation: Rotation): Promise<void> {
  const token = randomUUID();
  // Each step twice: Secrets Manager repeats a step whose answer it has not seen.
  for (const Step of steps)
    for (const _ of [1, 2]) await rotate({ Step, SecretId: secret, ClientRequestToken: token }, versions, rotation);
  await mount(secret);
}

/** The passwords that Redis takes for the user, in the manner of ElastiCache: exactly these. */
const setPasswords = async (username: string, passwords: readonly string[]) => {
  await admin.call(
    'ACL',
    'SETUSER',
    username,
    'resetpass',
    ...[...new Set(passwords)].map((password) => `>${password}`),
  );
};

beforeAll(async () => {
  [world, ministack, postgres, redis] = await Promise.all([createWorld(), startMinistack(), ownPostgres(), ownRedis()]);
  const client = new SecretsManagerClient(ministack.client);
  versions = new SecretVersions(client);
  admin = new Redis(redis.port);
  const access = propertiesOf(template('production', 'data'), 'AWS::ElastiCache::User').find(
    ({ UserName }) => UserName === 'slipway_app',
  )?.AccessString as string;
  await admin.call('ACL', 'SETUSER', redisUser.username, ...access.split(' '), `>${redisUser.password}`);
  // What RDS gives: a master that may make and change roles, and is no superuser.
  await postgres.run(`CREATE ROLE ${master.username} LOGIN CREATEROLE CREATEDB PASSWORD '${master.password}'`);
  const secrets = {
    'database/master': master,
    'database/app': users.appA,
    'database/app-a': users.appA,
    'database/app-b': users.appB,
    redis: redisUser,
  };
  for (const [Name, value] of Object.entries(secrets))
    await client.send(new CreateSecretCommand({ Name, SecretString: JSON.stringify(value) }));
  await mount('database/app');
  await mount('redis');
  ofDatabase = alternatingUsers({
    versions,
    masterSecret: 'database/master',
    userSecrets: ['database/app-a', 'database/app-b'],
    server: { host: '127.0.0.1', port: postgres.port },
    database: 'slipway',
  });
  ofCache = twoPasswords({ setPasswords, server: { host: '127.0.0.1', port: redis.port, tls: false } });
});
afterAll(async () => {
  await endWorld();
  admin.disconnect();
  await Promise.all([postgres.stop(), redis.stop(), ministack.stop()]);
});

const replica = (): Promise<ServiceProcess> =>
  startService({
    ...world.environment,
    DATABASE_URL: postgres.address,
    DATABASE_TLS: 'disable',
    DATABASE_CREDENTIALS: undefined,
    DATABASE_CREDENTIALS_FILE: fileOf('database/app'),
    REDIS_URL: `redis://127.0.0.1:${redis.port}`,
    REDIS_CREDENTIALS: undefined,
    REDIS_CREDENTIALS_FILE: fileOf('redis'),
    // Longer than in the pods: where CPUs are scarce requests fail after 250 ms, with a rotation or without. Measured (schedstat):
    // each had its replica wait for a CPU for most of that time.
    REDIS_TIMEOUT_MS: '2000',
  });

/** Requests without a pause on some replicas, until it is stopped. @returns how many came back with which status */
function load(ask: () => Promise<number>, clients: number): () => Promise<Map<number, number>> {
  let on = true;
  const statuses = new Map<number, number>();
  const loops = Array.from({ length: clients }, async () => {
    while (on) {
      const status = await ask();
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  });
  return async () => {
    on = false;
    await Promise.all(loops);
    return statuses;
  };
}

it('D6 the database user is rotated twice around under load without a failed request', async () => {
  const key = await runCommand(['admin-key'], {
    DATABASE_URL: postgres.address,
    DATABASE_TLS: 'disable',
    DATABASE_CREDENTIALS_FILE: fileOf('database/app'),
  });
  const replicas = [await replica()];
  let turn = 0;
  const files = async () => {
    const { url } = replicas[turn++ % replicas.length] as ServiceProcess;
    return (await ask(`${url}/files`, { headers: { 'X-API-Key': key } })).status;
  };
  const stop = load(files, 4);
  const seen: string[] = [];
  for (const _ of [1, 2, 3, 4]) {
    await rotated('database/app', ofDatabase);
    const { username, password } = await versions.current('database/app');
    seen.push(username);
    // The secrets that a bootstrap reads say the same.
    const own = await versions.current(username === 'slipway_app_a' ? 'database/app-a' : 'database/app-b');
    expect(own).toEqual({ username, password });
    replicas.push(await replica());
    await waitFor(
      `sessions of ${username}`,
      async () => (await postgres.run('SELECT FROM pg_stat_activity WHERE usename = $1', [username])).length > 0,
    );
  }
  const statuses = await stop();
  await Promise.all(replicas.map((each) => each.stop()));
  expect(seen).toEqual(['slipway_app_b', 'slipway_app_a', 'slipway_app_b', 'slipway_app_a']);
  expect([...statuses.keys()]).toEqual([200]);
  expect(statuses.get(200)).toBeGreaterThan(50);
});

it('D6 D9 the password of Redis is rotated under load without a failed request', async () => {
  const replicas = [await replica()];
  let turn = 0;
  const sessions = async () => {
    const { url } = replicas[turn++ % replicas.length] as ServiceProcess;
    return (await new SessionClient().view(url)).status;
  };
  const stop = load(sessions, 4);
  const passwords = new Set([redisUser.password]);
  for (const _ of [1, 2]) {
    await rotated('redis', ofCache);
    passwords.add((await versions.current('redis')).password);
    replicas.push(await replica());
  }
  const statuses = await stop();
  await Promise.all(replicas.map((each) => each.stop()));
  expect(passwords.size).toBe(3);
  expect([...statuses.keys()]).toEqual([200]);
  expect(statuses.get(200)).toBeGreaterThan(50);
  // The first password is no longer taken, the two newest are.
  const [first] = passwords;
  await expect(ofCache.test({ ...redisUser, password: first as string })).rejects.toThrow('WRONGPASS');
  await ofCache.test(await versions.current('redis'));
});

it('a password that the store refuses is never made the current one', async () => {
  const before = await versions.current('redis');
  const token = randomUUID();
  const forgetful: Rotation = { ...ofCache, set: async () => undefined };
  const step = (Step: (typeof steps)[number]) =>
    rotate({ Step, SecretId: 'redis', ClientRequestToken: token }, versions, forgetful);
  await step('createSecret');
  await step('setSecret');
  await expect(step('testSecret')).rejects.toThrow('WRONGPASS');
  expect(await versions.current('redis')).toEqual(before);
});

it('a version that holds nothing, with which Secrets Manager tries out a new schedule, is tested without a fault', async () => {
  const token = randomUUID();
  class Emptied extends SecretVersions {
    override stages() {
      return Promise.resolve({ [token]: ['AWSPENDING'] });
    }
  }
  const emptied = new Emptied(new SecretsManagerClient(ministack.client));
  const before = await versions.current('redis');
  const step = (Step: (typeof steps)[number]) =>
    rotate({ Step, SecretId: 'redis', ClientRequestToken: token }, emptied, ofCache);
  await step('testSecret');
  await expect(step('setSecret')).rejects.toThrow('holds no credentials yet');
  expect(await versions.current('redis')).toEqual(before);
});

it('the master of the database is no superuser', async () => {
  const rows = await postgres.run('SELECT rolsuper FROM pg_roles WHERE rolname = $1', [master.username]);
  expect(rows).toEqual([{ rolsuper: false }]);
});

it('a step for a version that does not exist is refused by name', async () => {
  const event = { Step: 'setSecret', SecretId: 'redis', ClientRequestToken: randomUUID() } as const;
  await expect(rotate(event, versions, ofCache)).rejects.toThrow(`has no version ${event.ClientRequestToken}`);
});
