// Running `make scale-test` as a person does, without make.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, join } from 'node:path';

export interface ScaleTest {
  child: ChildProcess;
  /** Both outputs so far. */
  said(): string;
  /** Exit code. */
  ended: Promise<number | null>;
}

/** @param tools folder whose programs come before those of the PATH */
export function scaleTest(args: readonly string[], tools?: string): ScaleTest {
  const PATH = [...(tools === undefined ? [] : [tools]), process.env.PATH].join(delimiter);
  const child = spawn(process.execPath, [join(process.cwd(), 'k8s/scale-test/main.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  return { child, said: () => said, ended: once(child, 'close').then(([code]) => code as number | null) };
}
