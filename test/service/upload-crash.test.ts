// What is left when a replica or the object store dies in mid-upload, and how it recovers.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { cacheFolder } from '../../local/path.ts';
import { findVersitygw, startVersitygw, type VersitygwServer } from '../../local/versitygw.ts';
import { ask } from '../support/client.ts';
import { sharedServers } from '../support/shared-servers.ts';
import { beginUpload, sendUpload } from '../support/uploads.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, describeS3, endWorld, type ServiceEnvironment, type World } from '../support/world.ts';

const MiB = 1024 * 1024;

/** Files below a folder, whatever they are called: objects, transfers, parts; but not the locks that VersityGW keeps. */
function filesIn(path: string): number {
  return readdirSync(path, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !entry.parentPath.includes('.vgwlocks'),
  ).length;
}

let world: World;
let key: Record<string, string>;
let database: Client;

beforeEach(async () => {
  world = await createWorld();
  key = { 'X-API-Key': world.adminKey };
  database = new Client({ connectionString: world.superuserUrl });
  await database.connect();
});
afterEach(async () => {
  await database.end();
  await endWorld();
});

const count = async (table: string) => (await database.query(`TABLE ${table}`)).rowCount ?? 0;

/** Kills a replica with an upload half-way, and waits until another one has swept: it may take LONGEST_REQUEST_SECONDS and a little. */
async function killAndSweep(environment: ServiceEnvironment, stored: () => number): Promise<void> {
  const short = { ...environment, LONGEST_REQUEST_SECONDS: '10' };
  const dying = await world.start(short);
  const kept = await sendUpload(dying.url, key, 'stays');
  const before = stored();
  const framings: Record<string, string>[] = [
    { 'Content-Length': `${60 * MiB}` },
    { 'Transfer-Encoding': 'chunked', 'Idempotency-Key': 'crash' },
  ];
  for (const framing of framings) {
    const { request, answer } = beginUpload(dying.url, { ...key, ...framing });
    answer.catch(() => undefined);
    request.write(Buffer.alloc(20 * MiB));
  }
  await waitFor('both uploads to be under way', async () => (await count('files')) === 3);
  await waitFor('bytes in the store', () => stored() > before);
  dying.process.kill('SIGKILL');
  await dying.exited;
  expect(await count('files')).toBe(3);

  const next = await world.start(short);
  const list = await ask(`${next.url}/files`, { headers: key });
  expect(list.body).toMatchObject({ files: [{ id: kept.body.id }] });
  const tooEarly = await sendUpload(next.url, { ...key, 'Idempotency-Key': 'crash' }, 'again');
  expect(tooEarly.body.code).toBe('idempotency_in_progress');
  await waitFor('the sweeper', async () => (await count('files')) === 1 && (await count('upload_keys')) === 0, 60_000);
  expect(stored()).toBe(before);
  expect((await ask(`${next.url}${kept.body.url}`, { headers: key })).body).toBe('stays');
  expect((await sendUpload(next.url, { ...key, 'Idempotency-Key': 'crash' }, 'again')).status).toBe(201);
}

it(
  'sweeps what a replica killed in mid-upload has left on disk',
  () => killAndSweep(world.environment, () => filesIn(world.environment.OBJECTS_DIR as string)),
  180_000,
);

describeS3('with an S3 server of its own', () => {
  let server: VersitygwServer;
  let folder: string;
  let environment: ServiceEnvironment;

  async function startServer(port?: number, credentials?: { accessKey: string; secretKey: string }) {
    const program = await findVersitygw({ cacheDir: cacheFolder(), log: () => undefined });
    if (program === undefined) throw new Error('VersityGW was there a moment ago');
    const again = port && credentials ? { port, credentials } : {};
    return startVersitygw({ dir: folder, program, ...again });
  }

  beforeEach(async () => {
    folder = join(sharedServers().dir, `crash-${process.hrtime.bigint()}`);
    mkdirSync(join(folder, 'files-of-this-test'), { recursive: true });
    server = await startServer();
    environment = {
      ...world.environment,
      OBJECTS_DIR: undefined,
      S3_BUCKET: 'files-of-this-test',
      S3_ENDPOINT: server.endpoint,
      AWS_ACCESS_KEY_ID: server.accessKey,
      AWS_SECRET_ACCESS_KEY: server.secretKey,
    };
  });
  afterEach(async () => {
    await endWorld();
    await server.stop();
  });

  it(
    'sweeps what a replica killed in mid-upload has left, parts too',
    () => killAndSweep(environment, () => filesIn(folder)),
    180_000,
  );

  it('answers 503 when the server is killed in mid-upload, and recovers without a restart', async () => {
    const service = await world.start({ ...environment, LONGEST_REQUEST_SECONDS: '5' });
    const kept = await sendUpload(service.url, key, 'stays');
    const framings: Record<string, string>[] = [
      { 'Content-Length': `${60 * MiB}` },
      { 'Transfer-Encoding': 'chunked' },
    ];
    const uploads = framings.map((framing) => beginUpload(service.url, { ...key, ...framing }));
    // More than a part; and less in all than is read after an error answer, so that nothing can take the answer away.
    for (const { request } of uploads) request.write(Buffer.alloc(10 * MiB));
    await waitFor('both uploads to be under way', async () => (await count('files')) === 3);
    process.kill(server.pid, 'SIGKILL');
    await server.exited;
    for (const { request } of uploads) request.write(Buffer.alloc(5 * MiB));
    for (const { request, answer } of uploads) {
      expect(await answer).toMatchObject({
        status: 503,
        headers: { 'retry-after': '2' },
        body: { code: 'objects_unavailable' },
      });
      request.destroy();
    }
    expect((await ask(`${service.url}${kept.body.url}`, { headers: key })).status).toBe(503);
    expect((await ask(`${service.url}/health`)).status).toBe(200);
    expect(((await ask(`${service.url}/files`, { headers: key })).body as { files: unknown[] }).files.length).toBe(1);

    server = await startServer(server.port, server);
    expect((await ask(`${service.url}${kept.body.url}`, { headers: key })).body).toBe('stays');
    expect((await sendUpload(service.url, key, 'works again')).status).toBe(201);
    await waitFor('the sweeper', async () => (await count('files')) === 2, 30_000);
    expect(service.process.exitCode).toBeNull();
  });
});
