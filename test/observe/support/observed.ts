// A real service with all its stores, used by known clients, and a real Prometheus that scrapes it with the rules.
import { readFileSync } from 'node:fs';
import { type RuleGroup, rulesFile } from '../../../observability/rules/index.ts';
import { databaseUrl, users } from '../../support/databases.ts';
import { type OwnPostgres, ownPostgres, ownReplica } from '../../support/own-postgres.ts';
import { type OwnPrometheus, ownPrometheus, replicaTargets } from '../../support/prometheus.ts';
import { runCommand, type ServiceProcess, startService } from '../../support/service.ts';
import { sharedServers } from '../../support/shared-servers.ts';
import { waitFor } from '../../support/wait.ts';
import { createWorld, endWorld } from '../../support/world.ts';
import { type Seen, startTraffic } from './traffic.ts';

const intervalSeconds = 2;

/** What the kernel says of each replica. */
interface Kernel {
  at: number;
  cpuSeconds: number[];
  residentBytes: number[];
}

export interface Observed {
  prometheus: OwnPrometheus;
  replicas: number;
  /** When expressions are to be evaluated, in seconds since 1970: the end of a range of traffic in which no scrape failed. */
  at: number;
  /** All answers that clients have seen. */
  seen: readonly Seen[];
  /** At the begin and the end of the range. */
  kernel: { begin: Kernel; end: Kernel };
  /** How long it took, time and again, until the reader had what the writer had, and a client of both knew it. */
  lagSeconds: readonly number[];
  end(): Promise<void>;
}

const cpuSeconds = ({ pid }: ServiceProcess) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
};
const residentBytes = ({ pid }: ServiceProcess) =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

/** From before the writer is asked for its position until the reader is known to have replayed it. */
async function lagSeconds(writer: OwnPostgres, reader: OwnPostgres): Promise<number> {
  const start = performance.now();
  const [written] = await writer.run<{ lsn: string }>('SELECT pg_current_wal_lsn() AS lsn');
  await waitFor('the reader', async () => {
    const [row] = await reader.run<{ has: boolean }>('SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS has', [
      written?.lsn,
    ]);
    return row?.has === true;
  });
  return (performance.now() - start) / 1000;
}

interface Options {
  place: { namespace: string; service: string };
  rules: readonly RuleGroup[];
  poolSize: number;
  rangeSeconds: number;
}

/** Resolves when the traffic has ended. */
export async function observeTraffic({ place, rules, poolSize, rangeSeconds }: Options): Promise<Observed> {
  const ends: (() => Promise<unknown>)[] = [];
  const end = async () => {
    for (const each of ends.reverse()) await each();
  };
  try {
    const world = await createWorld();
    const primary = await ownPostgres();
    ends.push(() => primary.stop());
    const reader = await ownReplica(primary);
    ends.push(() => reader.stop());
    const database = {
      DATABASE_URL: databaseUrl(primary.url, 'slipway'),
      DATABASE_TLS: 'disable' as const,
      DATABASE_CREDENTIALS: JSON.stringify(users.appA),
    };
    const adminKey = await runCommand(['admin-key'], database);
    const objects = sharedServers().s3 ? await world.s3Environment() : world.environment;
    const pools = { DATABASE_READER_URL: reader.address, DATABASE_POOL_SIZE: `${poolSize}` };
    const settings = { ...objects, ...database, ...pools };
    ends.push(endWorld);
    const replicas = await Promise.all([startService(settings), startService(settings)]);
    const targets = replicaTargets(replicas, place);
    const prometheus = await ownPrometheus({ targets, rules: rulesFile(rules), intervalSeconds });
    ends.push(() => prometheus.stop());
    await prometheus.scraping(replicas.length);

    const traffic = startTraffic({ urls: replicas.map(({ url }) => url), adminKey, people: 3 });
    await waitFor('the first answers', () => traffic.seen.length > 100, 60_000);
    const kernel: Kernel[] = [];
    const lags: number[] = [];
    const range = `${rangeSeconds}s`;
    const ask = () => ({
      at: Date.now() / 1000,
      cpuSeconds: replicas.map(cpuSeconds),
      residentBytes: replicas.map(residentBytes),
    });
    const first = ask();
    let last = first;
    const whole = async () => {
      last = ask();
      kernel.push(last);
      lags.push(await lagSeconds(primary, reader));
      if (last.at < first.at + rangeSeconds) return false;
      const scrapes = await prometheus.query(
        `sum_over_time(up[${range}]) and min_over_time(up[${range}]) == 1`,
        last.at,
      );
      const enough = 0.9 * (rangeSeconds / intervalSeconds);
      return scrapes.filter(({ value }) => value >= enough).length === replicas.length;
    };
    await waitFor('a range full of traffic in which no scrape failed', whole, 240_000, 500);
    await traffic.stop();
    const begin = kernel.findLast((each) => each.at <= last.at - rangeSeconds) ?? first;
    return {
      prometheus,
      replicas: replicas.length,
      at: last.at,
      seen: traffic.seen,
      kernel: { begin, end: last },
      lagSeconds: lags,
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}
