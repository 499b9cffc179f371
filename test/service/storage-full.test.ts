import { readdirSync } from 'node:fs';
import { Client } from 'pg';
import { ask } from '../support/client.ts';
import type { ServiceProcess } from '../support/service.ts';
import { createSmallDisk, describeSmallDisk, type SmallDisk } from '../support/small-disk.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';

describeSmallDisk('a full object store', () => {
  let world: World;
  let disk: SmallDisk;
  let service: ServiceProcess;

  beforeAll(async () => {
    world = await createWorld();
    disk = createSmallDisk(8);
    service = await world.start({ OBJECTS_DIR: disk.path });
  });
  afterAll(async () => {
    await endWorld();
    disk.remove();
  });

  const put = (megabytes: number) =>
    ask(`${service.url}/upload`, {
      method: 'POST',
      headers: { 'X-API-Key': world.adminKey, 'Content-Disposition': 'attachment; filename=big.bin' },
      body: Buffer.alloc(megabytes * 1024 * 1024, 7),
    });

  it('answers 507, keeps nothing of the upload and takes the next one that fits', async () => {
    expect(await put(16)).toMatchObject({ status: 507, body: { code: 'storage_full' } });
    const client = new Client({ connectionString: world.superuserUrl });
    await client.connect();
    const { rows } = await client.query('SELECT count(*)::int AS n FROM files');
    await client.end();
    expect(rows).toEqual([{ n: 0 }]);
    const objects = readdirSync(disk.path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    expect(objects).toEqual([]);
    const small = await put(2);
    expect(small.status).toBe(201);
    const { url } = small.body as { url: string };
    const back = await ask(service.url + url, { headers: { 'X-API-Key': world.adminKey } });
    expect((back.body as string).length).toBe(2 * 1024 * 1024);
  });
});
