// Burns CPU in worker threads, so that the event loop stays free. One burn per worker; no queue.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Problem } from './errors.ts';

export interface Burners {
  /**
   * Uses up `ms` of CPU time of one core. Ends early when `signal` aborts.
   * @throws Problem `burners_busy` when every worker is burning
   */
  burn(ms: number, signal: AbortSignal): Promise<void>;
  /** How many burn now. */
  busy(): number;
  close(): Promise<void>;
}

/** Message to a worker, see burn-worker.ts. `stop[0]` becomes 1 when the burn shall end. */
export interface BurnOrder {
  ms: number;
  stop: Int32Array;
}

interface Burner {
  worker: Worker;
  stop: Int32Array;
}

/** @param count threads; each starts with its first burn */
export function createBurners(count: number): Burners {
  const idle: Burner[] = [];
  const burning = new Set<Burner>();

  function start(): Burner {
    const worker = new Worker(new URL('./burn-worker.js', import.meta.url));
    return { worker, stop: new Int32Array(new SharedArrayBuffer(4)) };
  }

  return {
    async burn(ms, signal) {
      if (burning.size >= count) throw new Problem('burners_busy');
      const burner = idle.pop() ?? start();
      const { worker, stop } = burner;
      burning.add(burner);
      Atomics.store(stop, 0, 0);
      const end = () => Atomics.store(stop, 0, 1);
      signal.addEventListener('abort', end);
      if (signal.aborted) end();
      try {
        worker.postMessage({ ms, stop } satisfies BurnOrder);
        await once(worker, 'message'); // rejects when the worker fails: then it is not used again
        idle.push(burner);
      } finally {
        signal.removeEventListener('abort', end);
        burning.delete(burner);
      }
    },
    busy: () => burning.size,
    async close() {
      for (const { stop } of burning) Atomics.store(stop, 0, 1);
      await Promise.all([...idle, ...burning].map(({ worker }) => worker.terminate()));
    },
  };
}
