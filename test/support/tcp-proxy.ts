// A TCP proxy between the service and one of its servers, to lose what goes through it.

import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  port: number;
  /** From now on what goes through the connections that are there is swallowed; new connections work. */
  silence(): void;
  /** The next time these bytes go to the server, in a connection that matches, the connection is reset before the answer comes back. */
  loseAnswerTo(bytes: string, after?: string): void;
  close(): void;
}

/** @param delayMs what goes to the server gets there so much later (0) */
export async function tcpProxy({ hostname, port }: URL, { delayMs = 0 } = {}): Promise<TcpProxy> {
  const generation = { now: 0 };
  let lose: { bytes: string; after: string | undefined } | undefined;
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    const born = generation.now;
    const upstream = connect(Number(port), hostname);
    let sawBefore = false;
    let losing = false;
    clients.add(client);
    client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.on('data', (data: Buffer) => {
      if (born !== generation.now) return;
      if (lose?.after !== undefined && data.includes(lose.after)) sawBefore = true;
      if (lose && data.includes(lose.bytes) && (lose.after === undefined || sawBefore)) {
        losing = true;
        lose = undefined;
      }
      if (delayMs === 0) upstream.write(data);
      else setTimeout(() => upstream.write(data), delayMs);
    });
    upstream.on('data', (data: Buffer) => {
      if (losing) client.resetAndDestroy();
      else if (born === generation.now) client.write(data);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    silence() {
      generation.now++;
    },
    loseAnswerTo(bytes, after) {
      lose = { bytes, after };
    },
    close() {
      for (const client of clients) client.destroy();
      server.close();
    },
  };
}
