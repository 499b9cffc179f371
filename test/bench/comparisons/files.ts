// HEAD /files/:id: the metadata of a file, cold (each request reads a row) and warm (from the cache).
import { type Comparison, of } from '../comparison.ts';
import { insertFiles } from '../files.ts';
import { interleave, underLoad } from '../measure.ts';
import type { Stage } from '../stage.ts';
import { ratio } from '../statistics.ts';

/** More than the cache holds, so that asking for them in turn never hits it; and so few that it always does. */
const coldFiles = 25_000;
const warmFiles = 100;

export async function compareFiles(stage: Stage): Promise<Comparison[]> {
  const paths = await insertFiles(stage.postgresUrl, coldFiles);
  const peer = { POSTGRES_URL: stage.postgresUrl, REDIS_URL: stage.redisUrl, API_KEY: stage.adminKey };
  const start = (name: string, more: Record<string, string>) =>
    stage.startPeer(name, 'file-bare.ts', { ...peer, ...more });
  const service = await stage.startService();
  const comparisons: Comparison[] = [];
  for (const warm of [false, true]) {
    const cache: Record<string, string> = warm ? { CACHE: '1' } : {};
    const peers = [
      await start('bare', cache),
      await start('bare again', cache),
      await start('bare with limit', { ...cache, LIMIT: '1' }),
    ];
    const target = {
      method: 'HEAD',
      paths: warm ? paths.slice(0, warmFiles) : paths,
      headers: { 'X-API-Key': stage.adminKey },
      status: 200,
      cookies: false,
    } as const;
    const rounds = await interleave(
      stage,
      [service, ...peers].map((server) => underLoad(stage, server, target)),
    );
    for (const server of peers) await server.stop();
    const served = of(rounds, 'the service');
    const against = (name: string) => ({
      unit: 'CPU µs per request',
      service: Math.min(...served),
      peer: Math.min(...of(rounds, name)),
      ratio: ratio(of(rounds, name), served),
      peerAgainstItself: ratio(of(rounds, 'bare again'), of(rounds, 'bare')),
    });
    const what = warm ? 'warm, from the cache' : 'cold, one query each';
    const how = warm ? 'node:http + the same cache' : 'node:http + pg.Pool';
    comparisons.push(
      {
        title: `HEAD /files/:id ${what}, efficiency against bare ${how}`,
        peerName: `bare ${how}`,
        ...against('bare'),
        bound: { kind: 'at least', floor: 0.7 },
        holdsBack: warm
          ? "Framework, log, checks and headers: the round trip that counts the key's limit in Redis does not explain it, as the bare server costs no more with it."
          : "The round trip that counts the key's limit in Redis is about a quarter of the difference; the rest (framework, log, checks, guarded pool) has not been taken apart yet.",
      },
      {
        title: `HEAD /files/:id ${what}, efficiency against the same with the rate limit in Redis`,
        peerName: `bare ${how} + the limit's script`,
        ...against('bare with limit'),
        holdsBack: '',
      },
    );
  }
  await service.stop();
  return comparisons;
}
