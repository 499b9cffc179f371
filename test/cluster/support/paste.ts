// Commands of the runbooks as a person would paste them into a shell.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What a command says, on either stream. @param input what is typed then */
export type Paste = (command: string, input?: string) => Promise<string>;

/** @param namespace stands in for that of the runbooks */
export const pasteInto =
  (namespace: string): Paste =>
  async (command, input = '') => {
    const here = command.replaceAll('--namespace slipway', `--namespace ${namespace}`);
    const running = promisify(execFile)('bash', ['-c', here], { timeout: 300_000 });
    running.child.stdin?.end(input);
    const { stdout, stderr } = await running;
    return stdout + stderr;
  };
