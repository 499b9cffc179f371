// The rotation functions as they are deployed: the bundles in the templates' assets, started with the environment that a template gives.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { Redis } from 'ioredis';
import { SecretVersions } from '../../infra/rotation/secret-versions.ts';
import { freePort } from '../../local/ports.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { users } from '../support/databases.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';
import { type OwnPostgres, ownPostgres } from '../support/own-postgres.ts';
import { type OwnServer, ownRedis } from '../support/own-servers.ts';
import { outdir, propertiesOf, root, template } from './support/templates.ts';

const redisUser = { username: 'slipway_app', password: 'first-password' };
const userId = 'slipway-production-app';

let ministack: Ministack;
let versions: SecretVersions;
let certificates: Certificates;
let redis: OwnServer;
let tlsPort: number;
let admin: Redis;
let postgres: OwnPostgres;

/** What ElastiCache is asked, and what it says of the user: for a moment after a change, that the change is under way. */
let elastiCache: Server;
let asked: string[];
const status = { now: 'active', looksWhileModifying: 0 };

function answer(form: URLSearchParams): string {
  const action = form.get('Action') as string;
  const passwords = [1, 2]
    .map((n) => form.get(`AuthenticationMode.Passwords.member.${n}`))
    .filter((each) => each !== null);
  asked.push(action === 'ModifyUser' ? `${action} ${form.get('UserId')} ${passwords.length}` : action);
  if (action === 'ModifyUser') {
    Object.assign(status, { now: 'modifying', looksWhileModifying: 1 });
    void admin.call('ACL', 'SETUSER', redisUser.username, 'resetpass', ...passwords.map((each) => `>${each}`));
    return `<ModifyUserResponse><ModifyUserResult><Status>modifying</Status></ModifyUserResult></ModifyUserResponse>`;
  }
  if (status.now === 'modifying' && status.looksWhileModifying-- === 0) status.now = 'active';
  return `<DescribeUsersResponse><DescribeUsersResult><Users><member><UserId>${userId}</UserId><Status>${status.now}</Status></member></Users></DescribeUsersResult></DescribeUsersResponse>`;
}

beforeAll(async () => {
  certificates = makeCertificates('localhost');
  tlsPort = await freePort();
  [ministack, postgres, redis] = await Promise.all([
    startMinistack(),
    ownPostgres({ tls: certificates }),
    ownRedis([
      ...['--tls-port', `${tlsPort}`, '--tls-auth-clients', 'no', '--tls-ca-cert-file', certificates.caFile],
      ...['--tls-cert-file', certificates.certFile, '--tls-key-file', certificates.keyFile],
    ]),
  ]);
  admin = new Redis(redis.port);
  await admin.call('ACL', 'SETUSER', redisUser.username, 'on', '~*', '+@all', `>${redisUser.password}`);
  elastiCache = createServer((request, response) => {
    void text(request).then((body) =>
      response.writeHead(200, { 'Content-Type': 'text/xml' }).end(answer(new URLSearchParams(body))),
    );
  });
  await new Promise<void>((resolve) => elastiCache.listen(0, '127.0.0.1', resolve));
  const client = new SecretsManagerClient(ministack.client);
  versions = new SecretVersions(client);
  for (const [Name, value] of Object.entries({
    redis: redisUser,
    app: users.appA,
    'app-a': users.appA,
    'app-b': users.appB,
    master: users.migrator,
  }))
    await client.send(new CreateSecretCommand({ Name, SecretString: JSON.stringify(value) }));
});
beforeEach(() => {
  asked = [];
});
afterAll(async () => {
  admin.disconnect();
  await new Promise((resolve) => elastiCache.close(resolve));
  await Promise.all([ministack.stop(), redis.stop(), postgres.stop()]);
});

/** The function of this name, from the assets, with its own variables and these values. */
async function invoke(
  name: string,
  Step: string,
  SecretId: string,
  ClientRequestToken: string,
  values: Record<string, string>,
) {
  const [of] = propertiesOf(template('production', 'data'), 'AWS::Lambda::Function').filter(
    ({ FunctionName }) => FunctionName === `slipway-production-${name}`,
  );
  if (of === undefined) throw new Error(`no function ${name}`);
  const { Code, Environment } = of as { Code: { S3Key: string }; Environment: { Variables: Record<string, string> } };
  // A variable that the template does not give is not there in AWS, either.
  expect(Object.keys(values).sort()).toEqual(Object.keys(Environment.Variables).sort());
  const bundle = join(outdir, `asset.${Code.S3Key.replace('.zip', '')}`, 'index.mjs');
  const child = spawn(
    process.execPath,
    [
      join(root, 'test/infra/support/invoke.mjs'),
      pathToFileURL(bundle).href,
      JSON.stringify({ Step, SecretId, ClientRequestToken }),
    ],
    {
      env: {
        ...values,
        AWS_REGION: 'us-east-1',
        AWS_ACCESS_KEY_ID: 'nobody',
        AWS_SECRET_ACCESS_KEY: 'nothing',
        AWS_ENDPOINT_URL_SECRETS_MANAGER: ministack.endpoint,
        AWS_ENDPOINT_URL_ELASTICACHE: `http://127.0.0.1:${(elastiCache.address() as AddressInfo).port}`,
        NODE_EXTRA_CA_CERTS: certificates.caFile,
      },
    },
  );
  const ended = new Promise((resolve) => child.once('close', resolve));
  const [stderr, code] = await Promise.all([text(child.stderr), ended]);
  return { code, stderr };
}

it('D6 D9 the function that rotates Redis, as it is bundled, sets two passwords and waits until ElastiCache has them', async () => {
  const token = randomUUID();
  const values = { CACHE_USER_ID: userId, CACHE_HOST: 'localhost', CACHE_PORT: String(tlsPort) };
  for (const step of ['createSecret', 'setSecret', 'testSecret', 'finishSecret'])
    expect(await invoke('rotate-cache', step, 'redis', token, values)).toEqual({ code: 0, stderr: '' });
  // Two looks after the change: the first still says modifying.
  expect(asked).toEqual(['DescribeUsers', `ModifyUser ${userId} 2`, 'DescribeUsers', 'DescribeUsers']);
  const { password } = await versions.current('redis');
  expect(password).toMatch(/^[\w-]{43}$/);
  for (const each of [password, redisUser.password])
    expect(await admin.call('AUTH', redisUser.username, each)).toBe('OK');
});

it('D6 D2 the function that rotates the database, as it is bundled, makes the next password and speaks to RDS only', async () => {
  const token = randomUUID();
  const values = {
    MASTER_SECRET: 'master',
    USER_A_SECRET: 'app-a',
    USER_B_SECRET: 'app-b',
    DATABASE_HOST: 'localhost',
    DATABASE_PORT: String(postgres.port),
    DATABASE_NAME: 'slipway',
  };
  expect(await invoke('rotate-database', 'createSecret', 'app', token, values)).toEqual({ code: 0, stderr: '' });
  expect(await versions.pending('app', token)).toEqual({
    username: users.appB.username,
    password: expect.stringMatching(/^[\w-]{43}$/),
  });
  // A server whose certificate is not of RDS is refused, though this machine would trust it.
  const { code, stderr } = await invoke('rotate-database', 'setSecret', 'app', token, values);
  expect(code).toBe(1);
  expect(stderr).toMatch(/unable to verify the first certificate|UNABLE_TO_VERIFY_LEAF_SIGNATURE/);
});
