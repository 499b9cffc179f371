import { randomBytes } from 'node:crypto';
import { type Cache, createCache } from '../../service/stores/cache.ts';
import { createInvalidation, noInvalidation } from '../../service/stores/invalidation.ts';
import { connectRedis, type Redis } from '../../service/stores/redis.ts';
import { type OwnServer, ownRedis } from '../support/own-servers.ts';
import { waitFor } from '../support/wait.ts';

interface Value {
  version: number;
}

/** A load that ends when it is told to. */
function controlledLoad() {
  const waiting: ((value: Value | undefined) => void)[] = [];
  return {
    load: () => new Promise<Value | undefined>((resolve) => waiting.push(resolve)),
    finish: (value: Value | undefined) => waiting.shift()?.(value),
    waiting,
  };
}

const options = { name: 'test', max: 3, ttlMs: 60_000, invalidation: noInvalidation };

describe('the cache', () => {
  it('loads once for all who ask at the same time', async () => {
    const { load, finish } = controlledLoad();
    const cache = createCache<Value>({ ...options, load });
    const answers = Array.from({ length: 100 }, () => cache.get('a'));
    finish({ version: 1 });
    expect(new Set((await Promise.all(answers)).map((value) => value?.version))).toEqual(new Set([1]));
    await cache.get('a');
    expect(cache.counts()).toEqual({ name: 'test', hits: 1, misses: 100, loads: 1, entries: 1 });
  });

  it('keeps neither nothing nor a rejection', async () => {
    let calls = 0;
    const cache = createCache<Value>({
      ...options,
      load: async () => {
        if (calls++ === 0) throw new Error('away');
        return undefined;
      },
    });
    await expect(Promise.all([cache.get('a'), cache.get('a')])).rejects.toThrow('away');
    expect(await cache.get('a')).toBeUndefined();
    expect(await cache.get('a')).toBeUndefined();
    expect(cache.counts()).toMatchObject({ loads: 3, entries: 0 });
  });

  it('a drop during a load keeps the old value from being stored and joined', async () => {
    const { load, finish } = controlledLoad();
    const cache = createCache<Value>({ ...options, load });
    const early = cache.get('a');
    cache.drop('a');
    const late = cache.get('a');
    finish({ version: 1 });
    expect((await early)?.version).toBe(1);
    expect(cache.counts().entries).toBe(0);
    finish({ version: 2 });
    expect((await late)?.version).toBe(2);
    expect((await cache.get('a'))?.version).toBe(2);
  });

  it('counts the age of an entry from the begin of its load', async () => {
    const { load, finish, waiting } = controlledLoad();
    const cache = createCache<Value>({ ...options, ttlMs: 2000, load });
    const startMs = performance.now();
    const first = cache.get('a');
    await waitFor('most of the time to live', () => performance.now() - startMs > 2010);
    finish({ version: 1 });
    await first;
    expect(cache.counts().entries).toBe(0);
    void cache.get('a');
    finish({ version: 2 });
    await waitFor('an entry that is too old', () => {
      void cache.get('a');
      return waiting.length > 0;
    });
    expect(cache.counts().hits).toBeGreaterThan(0);
  });

  it('is bounded', async () => {
    const cache = createCache<Value>({ ...options, load: async () => ({ version: 1 }) });
    for (let i = 0; i < 10; i++) await cache.get(`${i}`);
    expect(cache.counts().entries).toBe(3);
  });
});

describe('caches of two replicas', () => {
  let server: OwnServer;
  const connections: Redis[] = [];
  const version = { current: 1 };
  let caches: Cache<Value>[];

  beforeAll(async () => {
    server = await ownRedis();
    const prefix = `t${randomBytes(4).toString('hex')}`;
    const connect = async (role: 'commands' | 'subscriber') => {
      const redis = await connectRedis({ REDIS_URL: server.url, REDIS_TIMEOUT_MS: 250 }, role);
      connections.push(redis);
      return redis;
    };
    const replica = async () => {
      const invalidation = createInvalidation({
        redis: await connect('commands'),
        subscriber: await connect('subscriber'),
        prefix,
      });
      return createCache<Value>({
        ...options,
        invalidation,
        load: async () => ({ version: version.current }),
      });
    };
    caches = [await replica(), await replica()];
    await waitFor('both to listen', async () => {
      const asker = connections[0] as Redis;
      const [, listening] = (await asker.pubsub('NUMSUB', `${prefix}:drop`).catch(() => [])) as [string, number];
      return listening === 2;
    });
  });
  afterAll(async () => {
    server.thaw();
    for (const redis of connections) redis.disconnect();
    await server.stop();
  });

  /** Changes the value behind the caches and drops it in the first. */
  const change = (key: string) => {
    version.current++;
    caches[0]?.drop(key);
  };
  const shown = async (key: string) => Promise.all(caches.map(async (cache) => (await cache.get(key))?.version));

  it('a drop in one is a drop in the other, whatever the key', async () => {
    for (const key of ['plain', 'with blank', 'ünï/\u0001\n%20']) {
      await shown(key);
      change(key);
      await waitFor('the new value', async () => (await shown(key)).every((seen) => seen === version.current));
    }
  });

  it('without Redis a drop neither fails nor waits, and works again afterwards', async () => {
    await shown('a');
    server.freeze();
    change('a');
    expect((await caches[0]?.get('a'))?.version).toBe(version.current);
    server.thaw();
    await server.kill();
    change('a');
    expect((await caches[0]?.get('a'))?.version).toBe(version.current);
    await server.restart();
    await waitFor(
      'the channel',
      async () => {
        change('a');
        return (await shown('a')).every((seen) => seen === version.current);
      },
      5000,
    );
  });
});
