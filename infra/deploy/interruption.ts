// Ctrl-C and SIGTERM: heard for as long as work goes on, whatever it is doing just then.
import { setImmediate as turn } from 'node:timers/promises';

/** Somebody has stopped this program. */
class Interruption extends Error {
  override readonly message = 'Interrupted.';
}

const signals = ['SIGINT', 'SIGTERM'] as const;

/**
 * Neither signal ends this program while it does the work, which has to look at `stop`.
 *
 * @param work its `stop` is aborted by the first of the signals, with an Interruption as reason
 */
export async function interruptible<T>(work: (stop: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const stop = () => controller.abort(new Interruption());
  for (const signal of signals) process.on(signal, stop);
  try {
    return await work(controller.signal);
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}

/** @returns whether work was stopped, also when that was during a call that blocked this program */
export async function isStopped(stop: AbortSignal): Promise<boolean> {
  // The event loop looks for signals once a turn, and the first of these may end the turn that it begins in.
  await turn();
  await turn();
  return stop.aborted;
}
