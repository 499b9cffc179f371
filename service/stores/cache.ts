// Cache-aside with single-flight, in the memory of each replica, invalidated on all of them through Redis.
//
// Redis only makes an invalidation fast: a frozen Redis looks connected and delivers nothing, so correctness rests on the
// age of an entry alone. That is why each cache has one short time to live, whatever the state of Redis.
import { LRUCache } from 'lru-cache';
import type { Invalidation } from './invalidation.ts';

export interface Cache<Value> {
  /** The cached value, or what `load` gives; undefined (nothing there) is not kept. Callers of one key at a time share one load. */
  get(key: string): Promise<Value | undefined>;
  /** Whether `get` would answer from memory. */
  has(key: string): boolean;
  /** Forgets the key here at once and on the other replicas as fast as Redis carries it. Never rejects. */
  drop(key: string): void;
  /** Since the start: answered from memory, not answered from memory, and loads begun (fewer than misses by single-flight). */
  counts(): CacheCounts;
}

export interface CacheCounts {
  name: string;
  hits: number;
  misses: number;
  loads: number;
  entries: number;
}

export interface CacheOptions<Value> {
  /** Names the cache to the other replicas and in metrics. */
  name: string;
  /** Most entries; the least recently used go first. */
  max: number;
  /** Longest age of an entry, counted from the begin of its load: what is answered was true at most so long ago. */
  ttlMs: number;
  /** Reads the value from where it is kept. Rejections go to every caller that waits, and are not kept. */
  load(key: string): Promise<Value | undefined>;
  invalidation: Invalidation;
}

interface Flight<Value> {
  startedMs: number;
  value: Promise<Value | undefined>;
}

/** A load that has run for longer is not joined any more: its answer might be older than a caller may see. */
const joinMs = 1000;

export function createCache<Value extends object>(options: CacheOptions<Value>): Cache<Value> {
  const { name, max, ttlMs, load, invalidation } = options;
  const entries = new LRUCache<string, Value>({ max, ttl: ttlMs, ttlResolution: 0, perf: performance });
  const flights = new Map<string, Flight<Value>>();
  const counts = { hits: 0, misses: 0, loads: 0 };

  const forget = (key: string) => {
    entries.delete(key);
    flights.delete(key); // a load under way may have read the old value: it is neither joined nor kept
  };
  invalidation.onDrop(name, forget);

  const begin = (key: string): Promise<Value | undefined> => {
    counts.loads++;
    const startedMs = performance.now();
    const flight: Flight<Value> = {
      startedMs,
      value: load(key).then(
        (value) => {
          if (flights.get(key) === flight) {
            flights.delete(key);
            if (value !== undefined && performance.now() - startedMs < ttlMs) {
              entries.set(key, value, { start: startedMs });
            }
          }
          return value;
        },
        (error) => {
          if (flights.get(key) === flight) flights.delete(key);
          throw error;
        },
      ),
    };
    flights.set(key, flight);
    return flight.value;
  };

  return {
    get(key) {
      const kept = entries.get(key);
      if (kept !== undefined) {
        counts.hits++;
        return Promise.resolve(kept);
      }
      counts.misses++;
      const flight = flights.get(key);
      return flight && performance.now() - flight.startedMs < joinMs ? flight.value : begin(key);
    },
    has: (key) => entries.has(key),
    drop(key) {
      forget(key);
      invalidation.announce(name, key);
    },
    counts: () => ({ name, ...counts, entries: entries.size }),
  };
}
