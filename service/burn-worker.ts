// Runs in a worker thread: burns CPU time, measured by the thread's own clock, so that a throttled pod burns all of it.
import { parentPort } from 'node:worker_threads';
import type { BurnOrder } from './burners.ts';

/** Arithmetic between two looks at the clock: a fraction of a ms. */
const stepsPerLook = 20_000;

parentPort?.on('message', ({ ms, stop }: BurnOrder) => {
  const start = process.threadCpuUsage();
  let x = 1;
  for (;;) {
    for (let i = 0; i < stepsPerLook; i++) x = Math.sqrt(x + i);
    const used = process.threadCpuUsage(start);
    if ((used.user + used.system) / 1000 >= ms || Atomics.load(stop, 0) === 1) break;
  }
  parentPort?.postMessage(x > 0);
});
