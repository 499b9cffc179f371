// From the start of a process to its first answer, with the compile cache that the image carries.
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Comparison, of } from '../comparison.ts';
import { interleave } from '../measure.ts';
import type { Stage } from '../stage.ts';
import { ratio } from '../statistics.ts';

/** Whether GET /live is answered with 200 now. */
function isLive(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () =>
      socket.write('GET /live HTTP/1.1\r\nHost: bench\r\n\r\n'),
    );
    socket.once('data', (bytes) => {
      socket.destroy();
      resolve(bytes.toString('latin1').startsWith('HTTP/1.1 200 '));
    });
    socket.once('error', () => resolve(false));
  });
}

async function startMs(stage: Stage, name: string, script: string, environment: Record<string, string>) {
  const begin = performance.now();
  const { port, child } = await stage.launch(name, script, environment);
  while (!(await isLive(port))) {
    stage.interrupted.throwIfAborted();
    if (performance.now() - begin > 20_000) throw new Error(`${name} did not start:\n${child.lastLines()}`);
    await sleep(1);
  }
  const taken = performance.now() - begin;
  await child.stop(0);
  return taken;
}

export async function compareStart(stage: Stage): Promise<Comparison[]> {
  const bare = join(import.meta.dirname, '..', 'peers', 'start-bare.mjs');
  const rounds = await interleave(
    stage,
    [
      { name: 'the service', slice: () => startMs(stage, 'the service', stage.main, stage.service) },
      { name: 'bare', slice: () => startMs(stage, 'bare Node', bare, {}) },
      { name: 'bare again', slice: () => startMs(stage, 'bare Node', bare, {}) },
    ],
    1,
  );
  return [
    {
      title: 'Start of the process to the first 200, against bare Node',
      unit: 'ms',
      service: Math.min(...of(rounds, 'the service')),
      peer: Math.min(...of(rounds, 'bare')),
      peerName: 'bare node:http',
      ratio: ratio(of(rounds, 'the service'), of(rounds, 'bare')),
      peerAgainstItself: ratio(of(rounds, 'bare again'), of(rounds, 'bare')),
      bound: { kind: 'at most', floor: 2.5 },
      holdsBack:
        'Loading and running the modules of the bundle takes the time: Koa and its media type tables, ioredis, pg, pino and prom-client.',
    },
  ];
}
