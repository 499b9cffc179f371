// The contract of the object stores, held by each adapter on the real thing.
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { cacheFolder } from '../../local/path.ts';
import { freePort } from '../../local/ports.ts';
import { findVersitygw, startVersitygw } from '../../local/versitygw.ts';
import { Problem } from '../../service/errors.ts';
import { newFileId } from '../../service/stores/file-ids.ts';
import { openObjects } from '../../service/stores/objects/open.ts';
import type { ObjectStore } from '../../service/stores/objects/store.ts';
import { diskUnderTest, type StoreUnderTest, s3UnderTest } from '../support/object-stores.ts';
import { sharedServers } from '../support/shared-servers.ts';
import { createSmallDisk, describeSmallDisk, type SmallDisk } from '../support/small-disk.ts';
import { waitFor } from '../support/wait.ts';
import { describeS3 } from '../support/world.ts';

const MiB = 1024 * 1024;
const never = new AbortController().signal;

async function* pieces(bytes: Buffer, size = 65_536): AsyncGenerator<Buffer> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

/** Gives some bytes, then waits until the signal aborts. */
async function* stalling(bytes: Buffer, signal: AbortSignal): AsyncGenerator<Buffer> {
  yield* pieces(bytes);
  await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

async function hashOf(stream: Readable | undefined): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream ?? []) hash.update(chunk);
  return hash.digest('hex');
}

async function bytesOf(stream: Readable | undefined): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream ?? []) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

const codeOf = async (work: Promise<unknown>) => {
  const error = await errorOf(work);
  return error instanceof Problem ? error.code : error;
};

function contract(open: () => Promise<StoreUnderTest>): void {
  let store: ObjectStore;
  let contents: StoreUnderTest['contents'];
  beforeAll(async () => {
    ({ store, contents } = await open());
  });
  afterAll(() => store.close());
  afterEach(async () => {
    for (const key of new Set(await contents())) await store.remove(key);
    expect(await contents()).toEqual([]);
  });

  it.each([
    ['an empty object', 0],
    ['one byte', 1],
    ['a whole part', 8 * MiB],
    ['one byte more than a part', 8 * MiB + 1],
    ['several parts', 20 * MiB + 12_345],
  ])('keeps %s, of known and of unknown length', async (_, size) => {
    const bytes = randomBytes(size);
    const expected = createHash('sha256').update(bytes).digest('hex');
    for (const length of [size, undefined]) {
      const key = newFileId();
      await store.put(key, pieces(bytes), { signal: never, ...(length === undefined ? {} : { length }) });
      expect(await hashOf(await store.get(key, undefined, never))).toBe(expected);
      await store.remove(key);
    }
  });

  it('reads ranges', async () => {
    const key = newFileId();
    const bytes = randomBytes(300_000);
    await store.put(key, pieces(bytes), { signal: never, length: bytes.length });
    for (const [start, end] of [
      [0, 0],
      [100, 199_999],
      [299_999, 299_999],
      [0, 299_999],
    ] as const) {
      const got = await bytesOf(await store.get(key, { start, end }, never));
      expect(got.equals(bytes.subarray(start, end + 1))).toBe(true);
    }
  });

  it('has nothing under a key that was never put, and removes it twice without an error', async () => {
    const key = newFileId();
    expect(await store.get(key, undefined, never)).toBeUndefined();
    await store.remove(key);
    await store.put(key, pieces(Buffer.from('x')), { signal: never, length: 1 });
    await store.remove(key);
    await store.remove(key);
    expect(await store.get(key, undefined, never)).toBeUndefined();
  });

  it.each([
    ['known', 50 * MiB],
    ['unknown', undefined],
  ])('leaves nothing when it is aborted (%s length)', async (_, length) => {
    const abort = new AbortController();
    const reason = new Error('enough');
    const put = errorOf(
      store.put(newFileId(), stalling(randomBytes(20 * MiB), abort.signal), {
        signal: abort.signal,
        ...(length === undefined ? {} : { length }),
      }),
    );
    if (length === undefined) await waitFor('a part in the store', async () => (await contents()).length > 0);
    abort.abort(reason);
    expect(await put).toBe(reason);
    await waitFor('an empty store', async () => (await contents()).length === 0);
  });

  it.each([
    ['known', 30 * MiB],
    ['unknown', undefined],
  ])('passes an error of the body through, and leaves nothing (%s length)', async (_, length) => {
    const fault = new Problem('invalid_multipart');
    async function* failing() {
      yield* pieces(randomBytes(18 * MiB));
      throw fault;
    }
    const put = store.put(newFileId(), failing(), { signal: never, ...(length === undefined ? {} : { length }) });
    expect(await errorOf(put)).toBe(fault);
    await waitFor('an empty store', async () => (await contents()).length === 0);
  });

  it.each([-1, 1])('keeps nothing of a body whose length is wrong by %d', async (difference) => {
    const bytes = randomBytes(200_000);
    const put = store.put(newFileId(), pieces(bytes), { signal: never, length: bytes.length + difference });
    expect(await errorOf(put)).toBeInstanceOf(RangeError);
    await waitFor('an empty store', async () => (await contents()).length === 0);
  });

  it('keeps many at a time apart', async () => {
    const objects = Array.from({ length: 24 }, (_, n) => ({ key: newFileId(), bytes: randomBytes(n * 10_000) }));
    await Promise.all(
      objects.map(({ key, bytes }, n) =>
        store.put(key, pieces(bytes), { signal: never, ...(n % 2 ? { length: bytes.length } : {}) }),
      ),
    );
    const read = await Promise.all(objects.map(async ({ key }) => bytesOf(await store.get(key, undefined, never))));
    expect(read.every((bytes, n) => bytes.equals(objects[n]?.bytes as Buffer))).toBe(true);
  });

  it('goes on after a reader has left early', async () => {
    const key = newFileId();
    const bytes = randomBytes(5 * MiB);
    await store.put(key, pieces(bytes), { signal: never, length: bytes.length });
    for (let n = 0; n < 70; n++) (await store.get(key, undefined, never))?.destroy();
    expect((await bytesOf(await store.get(key, { start: 0, end: 9 }, never))).length).toBe(10);
  });

  it('answers a ping', () => store.ping(never));
}

describe('the disk store', () => {
  contract(() => diskUnderTest(mkdtempSync(join(sharedServers().dir, 'contract-'))));

  it('never leaves its folder', async () => {
    const { store } = await diskUnderTest(mkdtempSync(join(sharedServers().dir, 'contract-')));
    for (const key of ['../x', 'a/b', '..', '', 'a\0b']) {
      expect(await errorOf(store.get(key, undefined, never))).toBeDefined();
      expect(await errorOf(store.remove(key))).toBeInstanceOf(RangeError);
    }
  });

  it('is unavailable when its folder cannot be', async () => {
    const store = await openObjects({ OBJECTS_DIR: '/dev/null/objects', S3_REGION: 'unused' });
    expect(await codeOf(store.put(newFileId(), pieces(Buffer.from('x')), { signal: never }))).toBe(
      'objects_unavailable',
    );
    await expect(store.ping(never)).rejects.toThrow();
  });
});

describeS3('the S3 store', () => {
  contract(() => s3UnderTest(sharedServers().s3 as NonNullable<ReturnType<typeof sharedServers>['s3']>));

  it('is unavailable when the server cannot be reached, and when there is no such bucket', async () => {
    const nobody = await openObjects({
      S3_BUCKET: 'nothing',
      S3_ENDPOINT: `http://127.0.0.1:${await freePort()}`,
      S3_REGION: 'us-east-1',
    });
    const { endpoint: S3_ENDPOINT = '' } = sharedServers().s3 ?? {};
    const elsewhere = await openObjects({ S3_BUCKET: 'no-such-bucket', S3_ENDPOINT, S3_REGION: 'us-east-1' });
    for (const store of [nobody, elsewhere]) {
      for (const length of [3 * MiB, undefined]) {
        const put = store.put(newFileId(), pieces(randomBytes(3 * MiB)), {
          signal: never,
          ...(length === undefined ? {} : { length }),
        });
        expect(await codeOf(put)).toBe('objects_unavailable');
      }
      await expect(store.ping(never)).rejects.toThrow();
      expect(await codeOf(store.get(newFileId(), undefined, never))).toBe('objects_unavailable');
      expect(await codeOf(store.remove(newFileId()))).toBe('objects_unavailable');
    }
  });
});

/** Fills the store until it refuses, then makes room again. */
async function fill({ store, contents }: StoreUnderTest, length: number | undefined): Promise<void> {
  const kept = newFileId();
  await store.put(kept, pieces(randomBytes(4 * MiB)), { signal: never });
  const put = store.put(newFileId(), pieces(randomBytes(40 * MiB)), {
    signal: never,
    ...(length === undefined ? {} : { length }),
  });
  expect(await codeOf(put)).toBe('storage_full');
  await waitFor('the rest to go', async () => `${await contents()}` === kept);
  const small = newFileId();
  await store.put(small, pieces(Buffer.from('there is room again')), { signal: never });
  expect(`${await bytesOf(await store.get(small, undefined, never))}`).toBe('there is room again');
  await store.remove(kept);
  await store.remove(small);
}

describeSmallDisk('a full store', () => {
  let disk: SmallDisk;
  beforeEach(() => {
    disk = createSmallDisk(32);
  });
  afterEach(() => disk.remove());

  it.each([
    ['known', 40 * MiB],
    ['unknown', undefined],
  ])('on disk refuses and keeps nothing (%s length)', async (_, length) =>
    fill(await diskUnderTest(disk.path), length),
  );

  const s3It = sharedServers().s3 ? it : it.skip;
  s3It.each([
    ['known', 40 * MiB],
    ['unknown', undefined],
  ])('on S3 refuses and keeps nothing (%s length)', async (_, length) => {
    const program = await findVersitygw({ cacheDir: cacheFolder(), log: () => undefined });
    const server = program && (await startVersitygw({ dir: disk.path, program }));
    if (server === undefined) throw new Error('VersityGW was there a moment ago');
    try {
      const under = await s3UnderTest(server);
      await fill(under, length);
      await under.store.close();
    } finally {
      await server.stop();
    }
  });
});
