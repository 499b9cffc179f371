// Measures servers in turn, slice by slice, so that what disturbs the machine disturbs them alike.
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { cpuMicros } from './cpu.ts';
import type { LoadMessage, LoadReply, LoadTarget } from './load.ts';
import type { Server, Stage } from './stage.ts';
import type { Rounds } from './statistics.ts';

/** A server, and one slice of work on it. @returns CPU µs per unit of work */
export interface Subject {
  name: string;
  slice(): Promise<number>;
}

/** `warmUps` discarded slices of each subject, to let it compile and cache, and then all of them in turn. */
export async function interleave(
  stage: Stage,
  subjects: readonly Subject[],
  warmUps = 4,
): Promise<Record<string, Rounds>> {
  const rounds: Record<string, number[]> = Object.fromEntries(subjects.map(({ name }) => [name, []]));
  for (let round = -warmUps; round < stage.rounds; round++) {
    for (const { name, slice } of subjects) {
      stage.interrupted.throwIfAborted();
      const used = await slice();
      if (round >= 0) rounds[name]?.push(used);
    }
    stage.progress(round < 0 ? 'warming up' : `round ${round + 1} of ${stage.rounds}`);
  }
  return rounds;
}

const sliceMs = 1000;

/** Requests on 64 keep-alive connections, for a second at a time. */
export function underLoad(stage: Stage, server: Server, target: Omit<LoadTarget, 'port' | 'connections'>): Subject {
  const load = fork(join(import.meta.dirname, 'load.ts'));
  stage.atEnd(() => void load.kill('SIGKILL'));
  const send = (message: LoadMessage) => load.send(message);
  send({ target: { ...target, port: server.port, connections: 64 } });
  return {
    name: server.name,
    async slice() {
      const before = cpuMicros(server.pid);
      const answers = await new Promise<number>((resolve, reject) => {
        const ended = () => reject(new Error('the load ended'));
        load.once('exit', ended);
        load.once('message', (reply: LoadReply) => {
          load.off('exit', ended);
          if ('answers' in reply) resolve(reply.answers);
          else reject(new Error(`${server.name}: ${reply.fault}`));
        });
        send({ sliceMs });
      });
      return (cpuMicros(server.pid) - before) / answers;
    },
  };
}
