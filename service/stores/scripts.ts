// The Lua scripts that run inside Redis, each one atomic round trip, and their typed callers.
// All keys of an installation share one hash slot ({prefix}), so that the scripts also run on a clustered Redis.
import { type Calls, unmeasured } from '../calls.ts';
import type { Redis } from './redis.ts';

/**
 * Generic cell rate algorithm on one key: it holds the time (µs) at which the limit is whole again.
 * KEYS[1] limit; ARGV[1] µs per request, ARGV[2] µs of the whole burst. Leaves `now`, `full` (µs until whole) and `wait` (µs, 0 when allowed).
 * Time is the server's own, so that replicas whose clocks differ count alike.
 */
const takeOne = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0) - now, 0)
local wait = math.max(full + interval - burst, 0)
if wait == 0 then
  full = full + interval
  redis.call('SET', KEYS[1], string.format('%.0f', now + full), 'PX', math.ceil(full / 1000))
end
`;

/** The sessions' scripts: KEYS[2] the id that was presented, KEYS[3] a fresh one; ARGV[3] ms a session lives. An id that Redis does not know is never adopted. */
const view = `${takeOne}
if wait > 0 then return {wait, full} end
local known = redis.call('HMGET', KEYS[2], 'views', 'user')
local id = known[1] and KEYS[2] or KEYS[3]
local views = redis.call('HINCRBY', id, 'views', 1)
redis.call('PEXPIRE', id, ARGV[3])
return {0, full, views, known[1] and known[2] or '', known[1] and 0 or 1}
`;

const name = `${takeOne}
if wait > 0 then return {wait, full} end
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('RENAME', KEYS[2], KEYS[3]) end
redis.call('HSETNX', KEYS[3], 'views', 0)
redis.call('HSET', KEYS[3], 'user', ARGV[4])
redis.call('PEXPIRE', KEYS[3], ARGV[3])
return {0, full, tonumber(redis.call('HGET', KEYS[3], 'views')), ARGV[4], 1}
`;

const forget = `${takeOne}
if wait > 0 then return {wait, full} end
redis.call('DEL', KEYS[2])
return {0, full}
`;

const limit = `${takeOne}
return {wait, full}
`;

/** Answer of each script: µs to wait (0 = allowed), µs until the limit is whole; the sessions' also views, user and whether the fresh id is now the session's. */
export type LimitAnswer = [wait: number, full: number];
export type SessionAnswer = [...LimitAnswer, views: number, user: string, fresh: 0 | 1];

/** A connection that knows the scripts. ioredis sends EVALSHA, and the source when the server does not have it (restart, failover). */
export interface ScriptedRedis extends Redis {
  slipwayView(
    limitKey: string,
    key: string,
    freshKey: string,
    interval: number,
    burst: number,
    ttlMs: number,
  ): Promise<SessionAnswer | LimitAnswer>;
  slipwayName(
    limitKey: string,
    key: string,
    freshKey: string,
    interval: number,
    burst: number,
    ttlMs: number,
    user: string,
  ): Promise<SessionAnswer | LimitAnswer>;
  slipwayForget(limitKey: string, key: string, interval: number, burst: number): Promise<LimitAnswer>;
  slipwayLimit(limitKey: string, interval: number, burst: number): Promise<LimitAnswer>;
}

export const scripts = {
  slipwayView: { numberOfKeys: 3, lua: view },
  slipwayName: { numberOfKeys: 3, lua: name },
  slipwayForget: { numberOfKeys: 2, lua: forget },
  slipwayLimit: { numberOfKeys: 1, lua: limit },
} as const;

/** The other commands that the service sends. */
const commands = ['ping', 'publish'] as const;

/** Teaches a connection the scripts, and measures what goes through it: scripts by their names, commands by theirs. */
export function withScripts(redis: Redis, calls: Calls = unmeasured): ScriptedRedis {
  for (const [command, definition] of Object.entries(scripts)) redis.defineCommand(command, definition);
  const callers = redis as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
  for (const command of [...Object.keys(scripts), ...commands]) {
    const send = callers[command]?.bind(redis);
    if (send === undefined) throw new TypeError(`Redis knows no command ${command}`);
    const measure = calls('redis', command);
    callers[command] = (...args) => measure(() => send(...args));
  }
  return redis as ScriptedRedis;
}
