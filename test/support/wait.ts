// Polls a condition, in place of waiting a fixed time.

/**
 * @param withinMs fails after so long, naming `what`
 * @param everyMs between two looks; longer where a look costs the machine something
 */
export async function waitFor(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 10_000,
  everyMs = 20,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${withinMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
