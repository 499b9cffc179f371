// Alarms on PostgreSQL and Redis as AWS runs them: one for each server, as each is its own resource.
import type { Facts } from '../facts.ts';
import { minute, ofCacheNode, ofDatabase } from '../metrics.ts';
import type { Alarm } from '../model.ts';

const fiveMinutes = 5 * minute;

/** A part of what is to be left, in percent. */
const part = (whole: number, percent: number) => Math.floor((whole * percent) / 100);

/**
 * Seconds of RDS' ReplicaLag that no quiet night reaches: while nothing is written it grows to five minutes by itself. Source: RDS user
 * guide, "Working with read replicas for Amazon RDS for PostgreSQL", monitoring of the replication.
 */
export const replicaLagSeconds = 600;

const onDatabase = (facts: Facts, role: 'writer' | 'reader', server: string): Alarm[] => {
  const of = ofDatabase(server);
  const { maxConnections, memoryBytes, storageBytes } = facts.database;
  const silence = {
    missing: 'missing',
    missingBecause: `Silence is told of once, by database-silent-${role}.`,
  } as const;
  return [
    {
      name: `database-silent-${role}`,
      severity: role === 'writer' ? 'page' : 'ticket',
      summary: `The database ${server} reports nothing.`,
      runbook: 'PostgreSQL lost',
      measure: { metric: of('CPUUtilization', 'SampleCount', fiveMinutes) },
      bad: 'below',
      threshold: 1,
      because: 'RDS reports each minute; a failover takes one to two.',
      periods: { bad: 2, of: 2 },
      missing: 'breaching',
      missingBecause: 'This is the very case: a server that is stopped or gone reports nothing.',
    },
    {
      name: `database-cpu-high-${role}`,
      severity: 'ticket',
      summary: `The database ${server} is busy.`,
      runbook: 'Database busy',
      measure: { metric: of('CPUUtilization', 'Average', fiveMinutes) },
      bad: 'from',
      threshold: 80,
      because: 'Queries queue beyond; a fifth is left for vacuum, backup and the load of a lost reader.',
      periods: { bad: 3, of: 3 },
      ...silence,
    },
    {
      name: `database-storage-low-${role}`,
      severity: 'page',
      summary: `The database ${server} runs out of storage.`,
      runbook: 'Database storage low',
      measure: { metric: of('FreeStorageSpace', 'Minimum', fiveMinutes) },
      bad: 'below',
      threshold: part(storageBytes, 5),
      because:
        'RDS adds storage below 10 % (Working with storage for RDS): at 5 % of the first size it has not, being at its limit, or within six hours of the last time.',
      periods: { bad: 3, of: 3 },
      ...silence,
    },
    {
      name: `database-connections-high-${role}`,
      severity: 'page',
      summary: `The database ${server} has few connections left.`,
      runbook: 'Pool exhausted',
      measure: { metric: of('DatabaseConnections', 'Maximum', fiveMinutes) },
      bad: 'from',
      threshold: part(maxConnections, 85),
      because: `85 % of max_connections ${maxConnections}; the rest includes what is kept for administration. Pods at their most, with a surge, stay below max_connections (config/contradictions.ts).`,
      periods: { bad: 2, of: 3 },
      ...silence,
    },
    {
      name: `database-memory-low-${role}`,
      severity: 'ticket',
      summary: `The database ${server} has little memory left.`,
      runbook: 'Database busy',
      measure: { metric: of('FreeableMemory', 'Minimum', fiveMinutes) },
      bad: 'below',
      threshold: part(memoryBytes, 5),
      because:
        'A twentieth of the memory of its class: PostgreSQL takes a quarter for its buffers, the page cache the rest, which can be freed.',
      periods: { bad: 3, of: 3 },
      ...silence,
    },
    ...(role === 'reader'
      ? [
          {
            name: 'replica-lag-high',
            severity: 'ticket',
            summary: `The replica ${server} lags far behind.`,
            runbook: 'Replica lag high',
            measure: { metric: of('ReplicaLag', 'Maximum', fiveMinutes) },
            bad: 'from',
            threshold: replicaLagSeconds,
            because:
              'Twice the five minutes that RDS reports when nothing is written. Prometheus tells sooner: ReaderUnused, of the lag that the service measures.',
            periods: { bad: 2, of: 3 },
            missing: 'breaching',
            missingBecause: 'A replica whose replication has stopped may report no lag at all.',
          } satisfies Alarm,
        ]
      : []),
  ];
};

const onCacheNode = (facts: Facts, node: string): Alarm[] => {
  const of = ofCacheNode(node);
  const number = node.slice(-3);
  const silence = {
    missing: 'missing',
    missingBecause: `Silence is told of once, by redis-silent-${number}.`,
  } as const;
  return [
    {
      name: `redis-silent-${number}`,
      severity: 'ticket',
      summary: `The Redis node ${node} reports nothing.`,
      runbook: 'Redis lost',
      measure: { metric: of('CPUUtilization', 'SampleCount', fiveMinutes) },
      bad: 'below',
      threshold: 1,
      because:
        'ElastiCache reports each minute. The copy takes over by itself, and the lost node is replaced: after this time it was not.',
      periods: { bad: 3, of: 3 },
      missing: 'breaching',
      missingBecause: 'This is the very case: a node that is gone reports nothing.',
    },
    {
      name: `redis-cpu-high-${number}`,
      severity: 'ticket',
      summary: `The Redis node ${node} is busy.`,
      runbook: 'Redis busy',
      measure: { metric: of('EngineCPUUtilization', 'Average', fiveMinutes) },
      bad: 'from',
      threshold: 80,
      because:
        'Of the one thread that runs commands. AWS advises to act at 90 % ("Which Metrics Should I Monitor?"); at 80 there is time to.',
      periods: { bad: 3, of: 3 },
      ...silence,
    },
    {
      name: `redis-memory-high-${number}`,
      severity: 'ticket',
      summary: `The Redis node ${node} runs out of memory.`,
      runbook: 'Redis memory high',
      measure: { metric: of('DatabaseMemoryUsagePercentage', 'Maximum', fiveMinutes) },
      bad: 'from',
      threshold: 80,
      because: 'At 100 % sessions are evicted; a fifth is the time to choose a bigger node in.',
      periods: { bad: 3, of: 3 },
      ...silence,
    },
    {
      name: `redis-evictions-${number}`,
      severity: 'page',
      summary: `The Redis node ${node} throws sessions away.`,
      runbook: 'Redis memory high',
      measure: { metric: of('Evictions', 'Sum', fiveMinutes) },
      bad: 'from',
      threshold: 1,
      because: 'Every key is a session or a limit; none may go before its time.',
      periods: { bad: 1, of: 1 },
      missing: 'notBreaching',
      missingBecause: `Who reports nothing evicts nothing; silence is told of by redis-silent-${number}.`,
    },
    {
      name: `redis-replication-lag-${number}`,
      severity: 'ticket',
      summary: `The Redis node ${node} is behind its primary.`,
      runbook: 'Redis busy',
      measure: { metric: of('ReplicationLag', 'Maximum', fiveMinutes) },
      bad: 'from',
      threshold: 10,
      because: 'Seconds of sessions that a failover would lose; usually below one.',
      periods: { bad: 2, of: 3 },
      missing: 'notBreaching',
      missingBecause: 'Only copies report it, and which node is one changes with a failover.',
    },
    {
      name: `redis-connections-high-${number}`,
      severity: 'ticket',
      summary: `Connections to the Redis node ${node} pile up.`,
      runbook: 'Redis busy',
      measure: { metric: of('CurrConnections', 'Maximum', fiveMinutes) },
      bad: 'from',
      threshold: 2 * facts.cacheConnections + 10,
      because: `Twice the ${facts.cacheConnections} of all replicas with a surge, for pods that still drain, and ten for ElastiCache itself: more is a leak. Redis takes 65,000.`,
      periods: { bad: 3, of: 3 },
      ...silence,
    },
  ];
};

export const storeAlarms = (facts: Facts): Alarm[] => [
  ...onDatabase(facts, 'writer', facts.database.writer),
  ...(facts.database.reader === undefined ? [] : onDatabase(facts, 'reader', facts.database.reader)),
  ...facts.cacheNodes.flatMap((node) => onCacheNode(facts, node)),
];
