// Redis, PostgreSQL with its pools, and the object store: a row each.
import type { Row } from '../model.ts';
import { ofService } from '../selectors.ts';
import { dependencyPanels } from './dependencies.ts';
import { notScraped } from './traffic.ts';

export const redisRow: Row = {
  title: 'Redis: sessions and rate limits',
  panels: dependencyPanels({ label: 'redis', name: 'Redis', slowSeconds: 0.01 }),
};

export const postgresRow: Row = {
  title: 'PostgreSQL: pools and queries',
  panels: [
    {
      id: 'pool-connections',
      title: 'Connections in use',
      question: 'How many connections does each pool use over all instances, and how many may it open?',
      kind: 'lines',
      unit: 'count',
      noData: notScraped,
      queries: [
        {
          legend: '{{pool}} used',
          source: 'service',
          expression: (scope) => `sum by (pool) (postgres_pool_connections${ofService(scope, 'state="used"')})`,
        },
        {
          legend: '{{pool}} limit',
          source: 'service',
          expression: (scope) => `sum by (pool) (postgres_pool_size${ofService(scope)})`,
        },
      ],
    },
    {
      id: 'pool-waiting',
      title: 'Requests that wait for a connection',
      question: 'Is a pool exhausted, so that requests queue for a connection?',
      kind: 'lines',
      unit: 'count',
      thresholds: [
        { value: 1, severity: 'warning' },
        { value: 10, severity: 'critical' },
      ],
      noData: notScraped,
      queries: [
        {
          legend: '{{pool}}',
          source: 'service',
          expression: (scope) => `sum by (pool) (postgres_pool_connections${ofService(scope, 'state="waiting"')})`,
        },
      ],
    },
    ...dependencyPanels({ label: 'postgres', name: 'PostgreSQL', slowSeconds: 0.05 }),
    {
      id: 'reader-lag',
      title: 'Lag of the reader',
      question: 'How far is the replica that serves reads behind? A reader that lags too much is left out.',
      kind: 'lines',
      unit: 'seconds',
      thresholds: [
        { value: 5, severity: 'warning' },
        { value: 30, severity: 'critical' },
      ],
      noData:
        'No reader is set; or it is lost, and the writer takes its reads: then postgres_reader_used is 0, and ReaderUnused fires.',
      queries: [
        {
          legend: '{{pod}}',
          source: 'service',
          expression: (scope) => `max by (pod) (postgres_reader_lag_seconds${ofService(scope)})`,
        },
      ],
    },
    {
      id: 'cache-hits',
      title: 'Look-ups served by a cache',
      question: 'What share of the look-ups of keys and files spares a query?',
      kind: 'lines',
      unit: 'ratio',
      noData: 'Nothing was looked up in this time, or the service is not scraped.',
      queries: [
        {
          legend: '{{cache}}',
          source: 'service',
          expression: (scope) => {
            const rate = (...more: string[]) =>
              `sum by (cache) (rate(cache_requests_total${ofService(scope, ...more)}[${scope.range}]))`;
            return `${rate('result="hit"')} / (${rate()} > 0)`;
          },
        },
      ],
    },
  ],
};

export const objectsRow: Row = {
  title: 'Object store',
  panels: dependencyPanels({ label: 'objects', name: 'the object store', slowSeconds: 0.5 }),
};
