// What the metrics of calls to dependencies cost: HEAD /files/:id from the cache, which calls Redis once, with and without them.
import { type Comparison, of, ofBoth } from '../comparison.ts';
import { insertFiles } from '../files.ts';
import { interleave, underLoad } from '../measure.ts';
import type { Stage } from '../stage.ts';
import { ratio } from '../statistics.ts';
import { buildWithout } from '../without.ts';

/** So few that the cache holds them. */
const files = 100;

export async function compareCalls(stage: Stage): Promise<Comparison[]> {
  const target = {
    method: 'HEAD',
    paths: await insertFiles(stage.postgresUrl, files),
    headers: { 'X-API-Key': stage.adminKey },
    status: 200,
    cookies: false,
  } as const;
  const unmeasured = buildWithout('measured calls', stage.dir);
  const servers = [
    { ...(await stage.startService()), name: 'with' },
    { ...(await stage.startService()), name: 'with again' },
    { ...(await stage.startService({}, unmeasured)), name: 'without' },
    { ...(await stage.startService({}, unmeasured)), name: 'without again' },
  ];
  const rounds = await interleave(
    stage,
    servers.map((server) => underLoad(stage, server, target)),
  );
  for (const server of servers) await server.stop();
  const served = ofBoth(rounds, 'with');
  const without = ofBoth(rounds, 'without');
  return [
    {
      title:
        'HEAD /files/:id warm, efficiency against the same built without metrics of calls to Redis, PostgreSQL and S3',
      unit: 'CPU µs per request',
      service: Math.min(...served),
      peer: Math.min(...without),
      peerName: 'without measured calls',
      ratio: ratio(without, served),
      peerAgainstItself: ratio(of(rounds, 'without again'), of(rounds, 'without')),
      holdsBack: '',
    },
  ];
}
