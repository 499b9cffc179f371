// Puts right what a test disturbs in a cluster, whatever becomes of the test.
import { spawn } from 'node:child_process';

export interface Disturbance {
  /** Resolves when all is as it was; again: does nothing. */
  restore(): Promise<void>;
}

/**
 * Runs `mend` when restore() is called, and also when this process goes, however it goes: its shell waits for the end of a
 * pipe that only this process holds.
 */
export function guard(mend: readonly string[]): Disturbance {
  const shell = spawn('sh', ['-c', 'read -r _; exec "$@"', 'sh', ...mend], {
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  shell.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = new Promise<void>((resolve, reject) => {
    shell.once('error', reject);
    shell.once('close', (code) => (code === 0 ? resolve() : reject(new Error(`${mend.join(' ')}: ${said}`))));
  });
  ended.catch(() => undefined); // whoever restores hears of it
  return {
    restore() {
      shell.stdin.end();
      return ended;
    },
  };
}
