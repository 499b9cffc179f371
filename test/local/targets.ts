// Target servers of node:http and a balancer in front of them, closed after each test.
import { once } from 'node:events';
import { type Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from '@jest/globals';
import { type Balancer, type BalancerOptions, startBalancer } from '../../local/balancer/balancer.ts';
import { waitFor } from '../support/wait.ts';

export type Handler = (asked: IncomingMessage, answer: ServerResponse) => void;

export interface TargetServer {
  host: string;
  port: number;
  server: Server;
  /** Status that /health answers. */
  health: number;
  /** Requests other than /health, oldest first. */
  seen: IncomingMessage[];
}

export const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

export async function target(
  handler: Handler,
  options: { keepAliveTimeout?: number; port?: number } = {},
): Promise<TargetServer> {
  const server = createServer({ keepAliveTimeout: options.keepAliveTimeout ?? 75_000 });
  const found: TargetServer = { host: '127.0.0.1', port: 0, server, health: 200, seen: [] };
  server.on('request', (asked, answer) => {
    if (asked.url === '/health') {
      answer.writeHead(found.health).end();
      return;
    }
    found.seen.push(asked);
    handler(asked, answer);
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  found.port = (server.address() as AddressInfo).port;
  open.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return found;
}

export async function balance(
  targets: { host: string; port: number }[],
  options: BalancerOptions = {},
): Promise<Balancer> {
  const health = { intervalMs: 50, timeoutMs: 500, ...options.health };
  const balancer = await startBalancer({ targets, ...options, health });
  open.push(() => balancer.close());
  return balancer;
}

export const states = (balancer: Balancer) => balancer.targets().map(({ state }) => state);
export const allHealthy = (balancer: Balancer) =>
  waitFor('all targets healthy', () => states(balancer).every((state) => state === 'healthy'));

export interface Got {
  status: number;
  body: string;
  headers: IncomingMessage['headers'];
  /** Whether the answer ended as it said it would. */
  complete: boolean;
}

/** One request on a raw client, so that nothing is repeated or decoded on our side. */
export function send(
  url: string,
  options: { method?: string; headers?: Record<string, string>; agent?: Agent; body?: string } = {},
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const { body, ...rest } = options;
    const asked = request(url, { agent: false, ...rest });
    asked.once('error', reject);
    asked.once('response', (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', () => {});
      answer.once('close', () =>
        resolve({
          status: answer.statusCode ?? 0,
          body: Buffer.concat(chunks).toString(),
          headers: answer.headers,
          complete: answer.complete,
        }),
      );
    });
    asked.end(body);
  });
}
