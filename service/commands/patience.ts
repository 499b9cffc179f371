// Waiting for a database that is still being started or set up: as a Job next to it, begun at the same moment.
import { setTimeout as sleep } from 'node:timers/promises';
import { integer } from '../settings.ts';

const shortestPauseMs = 250;
const longestPauseMs = 2000;

/** Between two tries, in ms: an eighth of the wait so far, so that it begins quick and ends by asking little. */
export const pauseAfter = (waitedMs: number) => Math.min(longestPauseMs, Math.max(shortestPauseMs, waitedMs / 8));

/** The setting by which a command waits, in seconds. */
export const waitSetting = {
  DATABASE_WAIT_SECONDS: integer('seconds', 0, 600)
    .default(0)
    .describe('How long it tries again while the database does not let it in; 0: it tries once.'),
};

/**
 * Resolves with the first try that succeeds. Says once, on standard error, that it waits, and why.
 *
 * @param seconds after which a failure is thrown; 0: the first
 */
export async function tryFor<T>(seconds: number, attempt: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  for (let tries = 0; ; tries++) {
    let pauseMs: number;
    try {
      return await attempt();
    } catch (error) {
      const waitedMs = performance.now() - begun;
      pauseMs = pauseAfter(waitedMs);
      if (waitedMs + pauseMs > seconds * 1000) throw error;
      const { message, code } = error as Error & { code?: string };
      if (tries === 0) process.stderr.write(`Waiting up to ${seconds} s for the database: ${message || code}\n`);
    }
    await sleep(pauseMs);
  }
}
