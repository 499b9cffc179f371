// The database as the stores see it: a pool to the writer, and one to the reader where there is one.
import type { Logger } from 'pino';
import { type Calls, unmeasured } from '../calls.ts';
import { type DatabaseSettings, serverConfig, sessionLimits } from './connection.ts';
import type { Database, Queries } from './database.ts';
import { createGuardedPool } from './guarded-pool.ts';
import { watchReader } from './reader.ts';

const closeMs = 5000;

/**
 * Opens the pools; connections are made when they are needed, so this neither waits nor fails.
 * While a server is away its statements fail at once with `database_unavailable`, until a probe in the background reaches it.
 */
export function openDatabase(settings: DatabaseSettings, log: Logger, calls: Calls = unmeasured): Database {
  const open = (name: 'writer' | 'reader', address: string) =>
    createGuardedPool({
      name,
      config: { ...serverConfig(address, settings), ...sessionLimits(settings.DATABASE_QUERY_TIMEOUT_MS) },
      size: settings.DATABASE_POOL_SIZE,
      credentials: settings.DATABASE_CREDENTIALS,
      log,
      calls,
    });
  const writer = open('writer', settings.DATABASE_URL);
  const reader = settings.DATABASE_READER_URL ? open('reader', settings.DATABASE_READER_URL) : undefined;
  const watch = reader && watchReader({ writer, reader, maxLagMs: settings.DATABASE_READER_MAX_LAG_MS, log });

  return {
    query: (statement) => writer.query(statement),
    transaction: (use) => writer.transaction(use),
    async read<Row extends object>(statement: Parameters<Queries['query']>[0]): Promise<Row[]> {
      if (reader && watch?.state().used) {
        try {
          return await reader.query<Row>(statement);
        } catch {
          // Whatever it was, the writer decides: a reader may also cancel what conflicts with its replay.
        }
      }
      return writer.query<Row>(statement);
    },
    async ping() {
      await writer.query({ text: 'SELECT 1' });
    },
    reader: () => watch?.state(),
    pools: () => [
      { pool: 'writer', ...writer.counts() },
      ...(reader ? [{ pool: 'reader' as const, ...reader.counts() }] : []),
    ],
    async close() {
      watch?.close();
      await Promise.all([writer.close(closeMs), reader?.close(closeMs)]);
    },
  };
}
