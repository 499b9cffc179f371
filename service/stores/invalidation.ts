// Tells all replicas, through one Redis channel, which cache entries are out of date.
import { randomUUID } from 'node:crypto';
import type { Redis } from './redis.ts';

export interface Invalidation {
  /** Calls `drop` for each key of that cache that another replica has announced. */
  onDrop(cache: string, drop: (key: string) => void): void;
  /** Tells the other replicas. Never rejects: without Redis they find out when their entries are too old. */
  announce(cache: string, key: string): void;
}

/**
 * Listens on `<prefix>:drop` for as long as the subscriber lives; whoever made the two connections closes them.
 *
 * @param options `subscriber` is a connection for this alone; it subscribes again after each reconnection
 */
export function createInvalidation(options: { redis: Redis; subscriber: Redis; prefix: string }): Invalidation {
  const { redis, subscriber, prefix } = options;
  const channel = `${prefix}:drop`;
  const self = randomUUID();
  const drops = new Map<string, (key: string) => void>();

  subscriber.on('message', (_channel: string, message: string) => {
    const [sender, cache = '', key = ''] = message.split(' ', 3);
    if (sender !== self) drops.get(cache)?.(decodeURIComponent(key));
  });
  // The first subscription may come before there is a connection; from then on the client repeats it.
  const subscribe = () => subscriber.subscribe(channel).catch(() => undefined);
  if (subscriber.status === 'ready') subscribe();
  subscriber.on('ready', subscribe);

  return {
    onDrop(cache, drop) {
      drops.set(cache, drop);
    },
    announce(cache, key) {
      redis.publish(channel, `${self} ${cache} ${encodeURIComponent(key)}`).catch(() => undefined);
    },
  };
}

/** For a process that shares its caches with nobody, such as a command. */
export const noInvalidation: Invalidation = { onDrop: () => undefined, announce: () => undefined };
