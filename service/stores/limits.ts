// Rate limits: what the numbers mean, their keys in Redis, and what counts while Redis is away.
import { isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';
import { Problem } from '../errors.ts';
import type { Settings } from '../settings.ts';
import type { LimitAnswer, ScriptedRedis, SessionAnswer } from './scripts.ts';

const windowSeconds = 60;
const windowMicros = windowSeconds * 1_000_000;

/** State of one client's limit after this request. */
export interface RateLimitState {
  policy: 'address' | 'key';
  limit: number;
  remaining: number;
  /** Seconds until the whole limit is there again. */
  resetSeconds: number;
}

export type Policy = RateLimitState['policy'];

/** One limit in the script's terms: µs that one request uses up, and the burst of a whole window. */
export interface Limit {
  policy: Policy;
  perMinute: number;
  interval: number;
  burst: number;
}

/** `perMinute` requests may come at once, and are earned back evenly. */
export function limitOf(policy: Policy, perMinute: number): Limit {
  return { policy, perMinute, interval: Math.max(1, Math.floor(windowMicros / perMinute)), burst: windowMicros };
}

/** What a script answered, as the RateLimit headers want it. @throws Problem `rate_limited`, after `note` was called */
export function settle(
  limit: Limit,
  [wait, full]: LimitAnswer | SessionAnswer,
  note: (state: RateLimitState) => void,
): void {
  note({
    policy: limit.policy,
    limit: limit.perMinute,
    remaining: Math.max(0, Math.floor((limit.burst - full) / limit.interval)),
    resetSeconds: Math.ceil(full / 1_000_000),
  });
  if (wait > 0) throw new Problem('rate_limited', undefined, { retryAfterSeconds: Math.ceil(wait / 1_000_000) });
}

/** Addresses are counted one by one; IPv6 by /64, which is what one customer has. */
export function addressBucket(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? [];
  const before = head === '' ? [] : head.split(':');
  const after = tail ? tail.split(':') : [];
  const groups =
    tail === undefined
      ? before
      : [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

export interface Limits {
  limit(policy: Policy): Limit;
  /** The key of a client's limit in Redis. */
  key(policy: Policy, client: string): string;
  /** Counts one request. Without Redis each replica counts for itself. @throws Problem `rate_limited` */
  take(policy: Policy, client: string, note: (state: RateLimitState) => void): Promise<void>;
}

export function createLimits(
  redis: ScriptedRedis,
  settings: Pick<Settings, 'RATE_LIMIT_ADDRESS_PER_MINUTE' | 'RATE_LIMIT_KEY_PER_MINUTE' | 'REDIS_PREFIX'>,
): Limits {
  const limits = {
    address: limitOf('address', settings.RATE_LIMIT_ADDRESS_PER_MINUTE),
    key: limitOf('key', settings.RATE_LIMIT_KEY_PER_MINUTE),
  };
  const prefixes = {
    address: `{${settings.REDIS_PREFIX}}:limit:address:`,
    key: `{${settings.REDIS_PREFIX}}:limit:key:`,
  };
  const wholeAgain = new LRUCache<string, number>({ max: 10_000 });

  function takeHere(key: string, { interval, burst }: Limit): LimitAnswer {
    const now = performance.now() * 1000;
    const full = Math.max((wholeAgain.get(key) ?? 0) - now, 0);
    const wait = Math.max(full + interval - burst, 0);
    if (wait > 0) return [wait, full];
    wholeAgain.set(key, now + full + interval);
    return [0, full + interval];
  }

  const keyOf = (policy: Policy, client: string): string =>
    prefixes[policy] + (policy === 'address' ? addressBucket(client) : client);

  return {
    limit: (policy) => limits[policy],
    key: keyOf,
    async take(policy, client, note) {
      const limit = limits[policy];
      const key = keyOf(policy, client);
      let answer: LimitAnswer;
      try {
        answer = await redis.slipwayLimit(key, limit.interval, limit.burst);
      } catch {
        answer = takeHere(key, limit);
      }
      settle(limit, answer, note);
    },
  };
}
