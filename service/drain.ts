// Ends a server without losing a request: a lame duck that goes on answering until it is quiet.
import type { Server } from 'node:http';

/** How often the drain looks whether it is quiet. */
const lookMs = 50;

export interface Drain {
  /** Call for each request; probes do not count as traffic, or the load balancer's own would keep the server up. */
  arrived(isProbe: boolean): void;
  /** True once a drain has begun: answers then say `Connection: close`. */
  readonly draining: boolean;
  /**
   * Resolves when the last connection is closed.
   * It goes on accepting until no request has arrived for `settleMs`, then lets the open ones end;
   * after `longestMs` in all it cuts what is left.
   */
  run(): Promise<void>;
  /** Cuts all connections and ends the drain now. */
  cut(): void;
}

export function createDrain(server: Server, { settleMs, longestMs }: { settleMs: number; longestMs: number }): Drain {
  let lastArrival = 0;
  let draining = false;
  let cut = false;
  let deadline: NodeJS.Timeout | undefined;
  return {
    get draining() {
      return draining;
    },
    arrived(isProbe) {
      if (!isProbe) lastArrival = performance.now();
    },
    run() {
      draining = true;
      const start = performance.now();
      lastArrival = Math.max(lastArrival, start);
      deadline = setTimeout(() => server.closeAllConnections(), longestMs);
      return new Promise((resolve) => {
        const look = setInterval(() => {
          const now = performance.now();
          if (!cut && now - lastArrival < settleMs && now - start < longestMs) return;
          clearInterval(look);
          server.close(() => {
            clearTimeout(deadline);
            resolve();
          });
          // What came in between the cut and the end of listening.
          if (cut || now - start >= longestMs) server.closeAllConnections();
        }, lookMs);
      });
    },
    cut() {
      cut = true;
      server.closeAllConnections();
    },
  };
}
