// Polls a condition of the cluster: with more time between two looks than on this machine, as a look starts kubectl, which costs a fifth of a core-second.
import { waitFor as poll } from '../../support/wait.ts';

/**
 * A look that fails, as while the API server is out of breath, is taken for a no.
 *
 * @param withinMs fails after so long, naming `what` and why the last look failed, if it did
 * @param everyMs between two looks
 */
export async function waitFor(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 10_000,
  everyMs = 1000,
): Promise<void> {
  let fault: Error | undefined;
  const look = async () => {
    fault = undefined;
    try {
      return await condition();
    } catch (error) {
      fault = error as Error;
      return false;
    }
  };
  await poll(what, look, withinMs, everyMs).catch((error: Error) => {
    throw fault === undefined
      ? error
      : new Error(`${error.message}; the last look: ${fault.message}`, { cause: fault });
  });
}
