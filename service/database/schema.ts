// Waits at start until the schema is new enough for this version. A newer one is fine: migrations expand before they contract.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Database } from './database.ts';
import { migrationNames, migrationsTable } from './migrations.ts';

/** Between two looks: from the first to the last value, doubling. */
const retryMs = { first: 100, last: 2000 };
const logEveryMs = 10_000;

/** Migrations that this version needs and the database does not have yet. */
async function missing(database: Database, needed: readonly string[]): Promise<string[]> {
  const [table] = await database.query<{ there: boolean }>({
    text: 'SELECT to_regclass($1) IS NOT NULL AS there',
    values: [migrationsTable],
  });
  if (!table?.there) return [...needed];
  const rows = await database.query<{ name: string }>({ text: `SELECT name FROM ${migrationsTable}` });
  const applied = new Set(rows.map(({ name }) => name));
  return needed.filter((name) => !applied.has(name));
}

/**
 * Resolves once every migration of this version has been applied; waits for the database and the migrator as long as it takes.
 * Rejects only when `signal` aborts.
 */
export async function waitForSchema(database: Database, log: Logger, signal: AbortSignal): Promise<void> {
  const needed = await migrationNames();
  let loggedMs = Number.NEGATIVE_INFINITY;
  for (let wait = retryMs.first; ; wait = Math.min(wait * 2, retryMs.last)) {
    const reason = await missing(database, needed).then(
      (names) => (names.length === 0 ? undefined : { missing: names }),
      (error) => ({ error }),
    );
    signal.throwIfAborted();
    if (reason === undefined) return;
    if (performance.now() - loggedMs > logEveryMs) {
      loggedMs = performance.now();
      log.warn({ event: 'waiting_for_schema', ...reason });
    }
    await sleep(wait, undefined, { signal });
  }
}
