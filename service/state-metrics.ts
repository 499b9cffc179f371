// Metrics of what the stores and burners are doing, read when Prometheus asks.
import type { Burners } from './burners.ts';
import type { Database } from './database/database.ts';
import type { Drain } from './drain.ts';
import type { Metrics } from './metrics.ts';
import type { CacheCounts } from './stores/cache.ts';

interface Observed {
  database: Pick<Database, 'pools' | 'reader'>;
  keys: { counts(): CacheCounts };
  files: { counts(): CacheCounts };
  burners: Pick<Burners, 'busy'>;
  drain: Pick<Drain, 'draining'>;
}

export function showState(metrics: Metrics, { database, keys, files, burners, drain }: Observed): void {
  metrics.show('gauge', 'postgres_pool_connections', 'Connections by pool and state.', ['pool', 'state'], () =>
    database.pools().flatMap(({ pool, total, idle, waiting }) => [
      { labels: { pool, state: 'used' }, value: total - idle },
      { labels: { pool, state: 'idle' }, value: idle },
      { labels: { pool, state: 'waiting' }, value: waiting },
    ]),
  );
  metrics.show('gauge', 'postgres_pool_size', 'Most connections by pool.', ['pool'], () =>
    database.pools().map(({ pool, size }) => ({ labels: { pool }, value: size })),
  );
  metrics.show(
    'gauge',
    'postgres_reader_used',
    'Whether reads go to the reader: 1, or 0 when it is lost or lags.',
    [],
    () => {
      const reader = database.reader();
      return reader === undefined ? [] : [{ labels: {}, value: reader.used ? 1 : 0 }];
    },
  );
  metrics.show('gauge', 'postgres_reader_lag_seconds', 'How far the reader is behind.', [], () => {
    const lagMs = database.reader()?.lagMs;
    return lagMs === undefined ? [] : [{ labels: {}, value: lagMs / 1000 }];
  });
  metrics.show('counter', 'cache_requests_total', 'Look-ups by cache and result.', ['cache', 'result'], () =>
    [keys.counts(), files.counts()].flatMap(({ name, hits, misses }) => [
      { labels: { cache: name, result: 'hit' }, value: hits },
      { labels: { cache: name, result: 'miss' }, value: misses },
    ]),
  );
  metrics.show('gauge', 'burners_busy', 'Burns that run now.', [], () => [{ labels: {}, value: burners.busy() }]);
  metrics.show('gauge', 'service_draining', 'Whether this replica drains: 1, else 0.', [], () => [
    { labels: {}, value: drain.draining ? 1 : 0 },
  ]);
}
