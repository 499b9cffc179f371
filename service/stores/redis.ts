// The connection to Redis: never queues while Redis is away, never waits longer than REDIS_TIMEOUT_MS.
import { Redis } from 'ioredis';
import type { Settings } from '../settings.ts';

export type { Redis };

/**
 * Commands that are asked for in one turn of the event loop go out in one write. Each is still a command of its own, with its own
 * answer and error; under load a request of /session then costs a quarter less CPU.
 */
class BatchingRedis extends Redis {
  override sendCommand(...given: Parameters<Redis['sendCommand']>): unknown {
    const socket = this.stream;
    if (socket && socket.writableCorked === 0) {
      socket.cork();
      setImmediate(() => socket.uncork());
    }
    return super.sendCommand(...given);
  }
}

type RedisSettings = Pick<Settings, 'REDIS_URL' | 'REDIS_CREDENTIALS' | 'REDIS_CA' | 'REDIS_TIMEOUT_MS'>;

/** Most ms between two attempts to connect, so that a recovered Redis is used again within 5 s. */
const longestBackoffMs = 1000;
const shortestBackoffMs = 20;
/** A connection whose commands stay unanswered for so long is lost. */
const silentMs = 2000;

/**
 * Connects in the background and for ever; commands fail at once while there is no connection.
 *
 * @param role `commands`, or `subscriber` for a connection that only listens
 */
export async function connectRedis(settings: RedisSettings, role: 'commands' | 'subscriber'): Promise<Redis> {
  const url = new URL(settings.REDIS_URL);
  const given = await settings.REDIS_CREDENTIALS?.();
  const redis = new BatchingRedis({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 6379),
    db: Number(url.pathname.slice(1) || 0),
    username: given?.username ?? (decodeURIComponent(url.username) || undefined),
    password: given?.password ?? (decodeURIComponent(url.password) || undefined),
    ...(url.protocol === 'rediss:'
      ? { tls: { servername: url.hostname, ...(settings.REDIS_CA ? { ca: settings.REDIS_CA } : {}) } }
      : {}),
    protocol: 2,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: Math.max(1000, settings.REDIS_TIMEOUT_MS),
    commandTimeout: role === 'commands' ? settings.REDIS_TIMEOUT_MS : 5000,
    // A connection that has gone silent, as after the loss of a node, is given up for a new one.
    socketTimeout: silentMs,
    keepAlive: 10_000,
    // How long a connection that is ended waits for the other side: else the process would stay for 2 s after a stop without Redis.
    disconnectTimeout: 100,
    enableAutoPipelining: false,
    lazyConnect: true,
    autoResubscribe: true,
    // A replica that was the primary a moment ago answers READONLY: reconnect and send the command once more.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
    // The first attempt waits too: credentials are read in the meantime.
    retryStrategy: (attempt) => shortestBackoffMs + Math.random() * Math.min(longestBackoffMs, 50 * 2 ** attempt),
  });
  if (settings.REDIS_CREDENTIALS) {
    const source = settings.REDIS_CREDENTIALS;
    redis.on('reconnecting', () => {
      source().then(
        ({ username, password }) => {
          redis.options.username = username;
          redis.options.password = password;
        },
        () => undefined,
      );
    });
  }
  redis.on('error', () => undefined); // state shows in /health and metrics; each command reports its own failure
  redis.connect().catch(() => undefined);
  return redis;
}

/** Resolves when there is a connection, or after `withinMs` without one. */
export function untilConnected(redis: Redis, withinMs: number): Promise<void> {
  if (redis.status === 'ready') return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      redis.off('ready', done);
      resolve();
    };
    const timer = setTimeout(done, withinMs);
    redis.once('ready', done);
  });
}
