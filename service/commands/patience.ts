// Waiting for a database that is still being started or set up: as a Job next to it, begun at the same moment.
import { setTimeout as sleep } from 'node:timers/promises';
import { integer } from '../settings.ts';

/** Between two tries. */
const retryMs = 250;

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
  const giveUpAt = performance.now() + seconds * 1000;
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() + retryMs > giveUpAt) throw error;
      const { message, code } = error as Error & { code?: string };
      if (tries === 0) process.stderr.write(`Waiting up to ${seconds} s for the database: ${message || code}\n`);
    }
    await sleep(retryMs);
  }
}
