// GET /session, everything on, against bare Node and against the usual Express stack.
import { type Comparison, of } from '../comparison.ts';
import { interleave, underLoad } from '../measure.ts';
import type { Stage } from '../stage.ts';
import { ratio } from '../statistics.ts';

export async function compareSessions(stage: Stage): Promise<Comparison[]> {
  const peer = { REDIS_URL: stage.redisUrl };
  const servers = [
    await stage.startService(),
    await stage.startPeer('bare', 'session-bare.ts', peer),
    await stage.startPeer('bare again', 'session-bare.ts', peer),
    await stage.startPeer('Express', 'session-express.ts', peer),
    await stage.startPeer('Express again', 'session-express.ts', peer),
  ];
  const target = { method: 'GET', paths: ['/session'], status: 200, cookies: true } as const;
  const rounds = await interleave(
    stage,
    servers.map((server) => underLoad(stage, server, target)),
  );
  for (const server of servers) await server.stop();
  const service = of(rounds, 'the service');
  const against = (name: string) => ({
    unit: 'CPU µs per request',
    service: Math.min(...service),
    peer: Math.min(...of(rounds, name)),
    ratio: ratio(of(rounds, name), service),
    peerAgainstItself: ratio(of(rounds, `${name} again`), of(rounds, name)),
  });
  return [
    {
      title: 'GET /session, efficiency against bare node:http + ioredis with the same script',
      peerName: 'bare node:http + ioredis',
      ...against('bare'),
      bound: { kind: 'at least', floor: 0.5, goal: 0.65 },
      holdsBack:
        'Koa with its router, a dozen more headers, the access log and the time limit on each Redis command are what the bare server leaves out.',
    },
    {
      title: 'GET /session against Express + express-session + connect-redis, which do nothing else',
      peerName: 'Express',
      ...against('Express'),
      bound: { kind: 'at least', floor: 4.5, goal: 6 },
      holdsBack:
        'Express costs so little more than the bare server here that even the bare one is below the floor; probably because node-redis sends the commands of many requests in one write.',
    },
  ];
}
