// Starting and asking the load, which runs in a process of its own so that a busy test does not slow it.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { LoadMessage, LoadReport, LoadTarget } from './load-process.ts';

export type { LoadReport };

export interface Load {
  /** What happened so far. */
  report(): Promise<LoadReport>;
  /** No request begins for so long from now. */
  pause(ms: number): void;
  /** Lets the open requests end. */
  end(): Promise<LoadReport>;
}

export function startLoad(target: LoadTarget): Load {
  const child = fork(join(__dirname, 'load-process.ts'), { execArgv: [] });
  const send = (message: LoadMessage) => child.send(message);
  send({ target });
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`the load ended with ${code}`);
  });
  gone.catch(() => undefined); // whoever asks hears of it
  let last: Promise<unknown> = Promise.resolve();
  // One question at a time, or the answers could be mixed up.
  const askFor = (message: 'report' | 'end') => {
    const answer = last.then(async () => {
      const said = once(child, 'message');
      send(message);
      const [report] = await Promise.race([said, gone]);
      return report as LoadReport;
    });
    last = answer.catch(() => undefined);
    return answer;
  };
  return { report: () => askFor('report'), pause: (pauseMs) => void send({ pauseMs }), end: () => askFor('end') };
}
