import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Forward {
  port: number;
  stop(): Promise<void>;
}

/** A port of this machine that leads to a port of `target`, such as `service/redis`. */
export async function forward(namespace: string, target: string, port: number): Promise<Forward> {
  const child = spawn('kubectl', ['--namespace', namespace, 'port-forward', target, `:${port}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const local = await new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, found] = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line) ?? [];
      if (found !== undefined) resolve(Number(found));
    });
    child.once('error', reject);
    ended.then(() => reject(new Error(`kubectl port-forward ${target} ended: ${said}`)));
  });
  return {
    port: local,
    async stop() {
      child.kill();
      await ended;
    },
  };
}
