// 1 GB of random bytes up through one replica and down through the other, with bounded memory.

import { ask } from '../support/client.ts';
import type { ServiceProcess } from '../support/service.ts';
import { beginUpload, formOf, hashDownload, writeRandom } from '../support/uploads.ts';
import { createWorld, describeS3, endWorld, type ServiceEnvironment, type World } from '../support/world.ts';

const GB = 1_000_000_000;
const maxGrowth = 64 * 1024 * 1024;

function large(environment: (world: World) => Promise<ServiceEnvironment>): void {
  let world: World;
  let replicas: [ServiceProcess, ServiceProcess];
  let key: Record<string, string>;

  beforeEach(async () => {
    world = await createWorld();
    const overrides = await environment(world);
    replicas = await Promise.all([world.start(overrides), world.start(overrides)]);
    key = { 'X-API-Key': world.adminKey };
  });
  afterEach(endWorld);

  const form = formOf('');
  const head = form.body.subarray(0, form.body.indexOf('\r\n\r\n') + 4);
  const tail = form.body.subarray(head.length);

  it.each<[string, Record<string, string>, { before?: Buffer; after?: Buffer }]>([
    [
      'a form of known length',
      { ...form.headers, 'Content-Length': `${head.length + GB + tail.length}` },
      { before: head, after: tail },
    ],
    ['a raw body in chunks', { 'Transfer-Encoding': 'chunked' }, {}],
  ])('carries 1 GB as %s', async (_, headers, framing) => {
    const [up, down] = replicas;
    const idle = replicas.map((replica) => replica.peakMemory());
    const { request, answer } = beginUpload(up.url, { ...key, ...headers });
    const sent = await writeRandom(request, GB, framing);
    const { status, body } = await answer;
    expect({ status, size: body.size, sha256: body.sha256 }).toEqual({ status: 201, ...sent });
    expect(await hashDownload(`${down.url}${body.url}`, key)).toEqual({ status: 200, ...sent });
    for (const [n, replica] of replicas.entries()) {
      expect(replica.peakMemory() - (idle[n] ?? 0)).toBeLessThan(maxGrowth);
    }
    await ask(`${up.url}${body.url}`, { method: 'DELETE', headers: key });
  });
}

describe('large files on disk', () => large(async ({ environment }) => environment));
describeS3('large files on S3', () =>
  large(async (world) => ({ ...(await world.s3Environment()), OBJECTS_DIR: undefined })),
);
