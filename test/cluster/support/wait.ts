// Polls a condition of the cluster: with more time between two looks than on this machine, as a look starts kubectl, which costs a fifth of a core-second.
import { waitFor as poll } from '../../support/wait.ts';

/**
 * @param withinMs fails after so long, naming `what`
 * @param everyMs between two looks
 */
export const waitFor = (
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 10_000,
  everyMs = 1000,
): Promise<void> => poll(what, condition, withinMs, everyMs);
