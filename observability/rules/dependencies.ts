// Alerts on what the service needs: Redis, PostgreSQL and its reader, the object store.
import { ofService } from '../selectors.ts';
import type { Alert } from './model.ts';
import { recorded } from './recording.ts';

/** More than half of the calls fail: not an unlucky one, nor one replica of several that has lost it. */
const lostShare = 0.5;

function lost(dependency: 'redis' | 'postgres' | 'objects', name: string, runbook: string, effect: string): Alert {
  return {
    name,
    severity: 'page',
    runbook,
    summary: `${runbook}: ${effect}`,
    description: `{{ $value | humanizePercentage }} of the calls to ${dependency} failed over the last 2 minutes. Each replica asks it at least with every look at /health.`,
    sources: ['service'],
    forSeconds: 120,
    expression: (scope) =>
      `${recorded.dependencyErrors}${ofService(scope, `dependency="${dependency}"`)} > ${lostShare}`,
  };
}

export const dependencyAlerts: readonly Alert[] = [
  lost('redis', 'RedisLost', 'Redis lost', '/session answers 503'),
  lost('postgres', 'PostgresLost', 'PostgreSQL lost', 'all routes that need a key answer 503'),
  lost('objects', 'ObjectStoreLost', 'Object store lost', 'uploads and downloads fail'),
  {
    name: 'ReaderUnused',
    severity: 'ticket',
    runbook: 'Replica lag high',
    summary: 'The read replica is lost or lags: the writer takes its reads',
    description:
      'At least one replica of the service has not read from it for 10 minutes, because it is away or further behind than DATABASE_READER_MAX_LAG_MS.',
    sources: ['service'],
    forSeconds: 600,
    applies: ({ reader }) => reader,
    expression: (scope) => `min by (namespace, service) (postgres_reader_used${ofService(scope)}) == 0`,
  },
  {
    name: 'PoolExhausted',
    severity: 'ticket',
    runbook: 'Pool exhausted',
    summary: 'Requests wait for a connection to PostgreSQL',
    description:
      'For at least half of the last 5 minutes {{ $value | humanize }} requests of a replica or more waited for a connection of the pool {{ $labels.pool }}.',
    sources: ['service'],
    forSeconds: 180,
    // Between two scrapes a queue comes and goes; an average would hold a short burst, however deep, for one that stays.
    expression: (scope, { span }) =>
      `max by (namespace, service, pool) (quantile_over_time(0.5, postgres_pool_connections${ofService(scope, 'state="waiting"')}[${span(300)}])) >= 1`,
  },
];
