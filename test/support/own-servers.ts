// Servers of one test's own, to freeze, kill and restart.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../local/path.ts';
import { freePort } from '../../local/ports.ts';
import { findRedisServer, startRedis } from '../../local/redis.ts';
import { sharedServers } from './shared-servers.ts';

/** A server that can be taken away and brought back under the same address and with the same data. */
export interface OwnServer {
  url: string;
  port: number;
  /** Frozen: connections stay, nothing answers. */
  freeze(): void;
  thaw(): void;
  /** SIGKILL: everything it has not written is lost. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

interface Started {
  url: string;
  pid: number;
  exited: Promise<unknown>;
  stop(): Promise<void>;
}

function lasting(url: string): OwnServer {
  const refuse = () => {
    throw new Error('this server is not the own one of a test');
  };
  const keep = () => undefined;
  return {
    url,
    port: Number(new URL(url).port),
    freeze: refuse,
    thaw: keep,
    kill: async () => refuse(),
    restart: async () => refuse(),
    stop: async () => keep(),
  };
}

async function ownServer(port: number, start: () => Promise<Started>): Promise<OwnServer> {
  let server = await start();
  return {
    url: server.url,
    port,
    freeze: () => process.kill(server.pid, 'SIGSTOP'),
    thaw: () => process.kill(server.pid, 'SIGCONT'),
    async kill() {
      process.kill(server.pid, 'SIGKILL');
      await server.exited;
    },
    async restart() {
      server = await start();
    },
    async stop() {
      await server.stop();
    },
  };
}

/**
 * In a cluster, where pods cannot reach a process of this machine, the Redis that all share; it cannot be taken away.
 * @param args more arguments of redis-server
 */
export async function ownRedis(args: readonly string[] = []): Promise<OwnServer> {
  const { program, redis } = sharedServers();
  if ('pods' in program) return lasting(redis.url);
  const dir = mkdtempSync(join(sharedServers().dir, 'own-redis-'));
  const port = await freePort();
  const server = await findRedisServer({ cacheDir: cacheFolder(), log: () => undefined });
  return ownServer(port, () => startRedis({ dir, port, server, args: [...args] }));
}
