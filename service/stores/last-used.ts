// When each key was last used: noted in memory, written together once a minute, so that no request waits for it.
import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';

export interface LastUsed {
  note(id: string): void;
  /** Writes what has been noted since and stops. */
  close(): Promise<void>;
}

const flushMs = 60_000;

export function createLastUsed(database: Database, log: Logger): LastUsed {
  let used = new Map<string, number>();

  async function flush(): Promise<void> {
    if (used.size === 0) return;
    const batch = [...used];
    used = new Map();
    try {
      // Rows are locked in one order and those another replica holds are left out: it is writing the same minute.
      await database.query({
        text: `WITH used AS (SELECT * FROM unnest($1::text[], $2::float8[]) AS used(id, at)),
            mine AS (SELECT id FROM keys WHERE id = ANY($1) ORDER BY id FOR UPDATE SKIP LOCKED)
          UPDATE keys SET last_used_at = greatest(last_used_at, to_timestamp(used.at / 1000))
          FROM used JOIN mine USING (id) WHERE keys.id = used.id`,
        values: [batch.map(([id]) => id), batch.map(([, at]) => at)],
      });
    } catch (error) {
      for (const [id, at] of batch) used.set(id, used.get(id) ?? at);
      log.warn({ event: 'last_use_not_written', error }); // tried again in a minute
    }
  }

  const timer = setInterval(flush, flushMs);
  timer.unref();

  return {
    note(id) {
      used.set(id, Date.now());
    },
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}
