// The drain by itself, under clients that never let the server be quiet.
import { createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createDrain, type Drain } from '../../service/drain.ts';
import { waitFor } from '../support/wait.ts';

const clients = 20;

describe('a drain under clients that come back at once, and whose requests do not end', () => {
  let server: Server;
  let drain: Drain;

  /** @returns whether the drain has ended */
  async function beginDrain(longestMs: number): Promise<() => boolean> {
    let requests = 0;
    let ended = false;
    server = createServer(() => {
      requests++;
      drain.arrived(false);
    });
    drain = createDrain(server, { settleMs: 60_000, longestMs });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const come = (): void => {
      get({ port, host: '127.0.0.1', agent: false }).on('error', ({ code }: NodeJS.ErrnoException) => {
        if (code !== 'ECONNREFUSED') come();
      });
    };
    for (let i = 0; i < clients; i++) come();
    await waitFor('requests', () => requests === clients);
    drain.run().then(() => {
      ended = true;
    });
    return () => ended;
  }
  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });

  it('ends at its deadline', async () => {
    // Between two looks of the drain, so that clients come back before it sees that its time is over.
    const ended = await beginDrain(525);
    await waitFor('the end of the drain', ended, 3000);
  });

  it('goes on until its deadline', async () => {
    const start = performance.now();
    const ended = await beginDrain(1025);
    await waitFor('the end of the drain', ended, 4000);
    expect(performance.now() - start).toBeGreaterThanOrEqual(1000);
  });

  it('ends when it is cut', async () => {
    const ended = await beginDrain(60_000);
    drain.cut();
    await waitFor('the end of the drain', ended, 3000);
  });
});
