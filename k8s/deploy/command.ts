// What the commands of this folder have in common: one line for a failure, and an orderly end on Ctrl-C.

/** A failure that its message explains in full, with the next step. */
export class DeployError extends Error {
  override readonly name = 'DeployError';
}

/** Ctrl-C, after which nothing more is begun. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
}

/** Exit code of a program that SIGINT ended. */
const interruptedCode = 130;

export const say = (line: string) => console.log(line);

/**
 * Runs the body of a command and sets the exit code.
 *
 * @param body gets a signal that aborts on Ctrl-C and SIGTERM
 * @param afterInterrupt what to tell then: what is done, and how to go on
 */
export async function command(body: (stop: AbortSignal) => Promise<void>, afterInterrupt: () => string): Promise<void> {
  const controller = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) {
        console.error(`Ended in the middle of a step. ${afterInterrupt()}`);
        process.exit(interruptedCode);
      }
      say('\nStopping after the step that is under way; once more ends at once …');
      controller.abort(new InterruptedError('interrupted'));
    });
  }
  try {
    await body(controller.signal);
  } catch (error) {
    if (controller.signal.aborted) {
      if (!(error instanceof InterruptedError)) console.error((error as Error).message);
      console.error(`Interrupted. ${afterInterrupt()}`);
      process.exitCode = interruptedCode;
      return;
    }
    // What config/ and k8s/ throw explains itself as well; only a mistake in this program needs its stack.
    const mistake = error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
    console.error(mistake ? (error.stack ?? error.message) : (error as Error).message);
    process.exitCode = 1;
  }
}

/** Whether a switch such as FORCE=1 is on. */
export const isOn = (name: string): boolean => !['', '0', undefined].includes(process.env[name]);
