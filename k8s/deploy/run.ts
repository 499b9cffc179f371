// Running the programs that do the work: docker, kind, kubectl, aws.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { DeployError, InterruptedError } from './command.ts';

export interface RunOptions {
  /** Sent to its standard input. */
  input?: string;
  /** Receives each line of both outputs. */
  onLine?: (line: string) => void;
  /** Ends it. Left out for what must not be cut in the middle, such as an apply. */
  stop?: AbortSignal | undefined;
  cwd?: string;
}

/** A program that ended with an exit code other than 0. */
export class RunError extends DeployError {
  /** The last lines of what it said. */
  readonly said: string;
  constructor(program: string, args: readonly string[], how: string, said: string) {
    super(`${program} ${args.slice(0, 3).join(' ')} … ended with ${how}${said === '' ? '' : `:\n${said}`}`);
    this.said = said;
  }
}

const keptLines = 20;

/**
 * Runs a program in a session of its own, so that Ctrl-C in a terminal reaches only us.
 *
 * @returns its standard output
 * @throws RunError with its last lines; InterruptedError when `stop` ended it
 */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { input, onLine, stop, cwd } = options;
  if (stop?.aborted) return Promise.reject(new InterruptedError('interrupted'));
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
    });
    let out = '';
    const last: string[] = [];
    const listen = (line: string) => {
      if (line.trim() === '') return;
      last.push(line);
      if (last.length > keptLines) last.shift();
      onLine?.(line);
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    createInterface({ input: child.stdout }).on('line', listen);
    createInterface({ input: child.stderr }).on('line', listen);
    const end = () => {
      // The group, since these programs have children.
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
      } catch {
        // it has ended meanwhile
      }
    };
    stop?.addEventListener('abort', end, { once: true });
    child.once('error', (error) => reject(new DeployError(`${program} cannot be started: ${error.message}`)));
    child.once('close', (code, signal) => {
      stop?.removeEventListener('abort', end);
      if (code === 0) resolve(out);
      else if (stop?.aborted) reject(new InterruptedError('interrupted'));
      else reject(new RunError(program, args, signal ?? `exit code ${code}`, last.join('\n')));
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
