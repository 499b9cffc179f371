// Finishes what crashed or failed requests have left: pending rows, their objects, and idempotency keys.
import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';
import type { Settings } from '../settings.ts';
import { deletePending, stalePending } from './file-rows.ts';
import type { ObjectStore } from './objects/store.ts';
import { deleteStaleKeys } from './upload-keys.ts';

/** Time for the last query of a request that was cut off. */
const marginSeconds = 5;
const rowsAtATime = 20;

/** Any number that nothing else in this database uses for an advisory lock. */
const lock = 7_530_917;

/** Age in seconds from which no request can still be at work on something pending. */
export function staleSeconds({ LONGEST_REQUEST_SECONDS }: Pick<Settings, 'LONGEST_REQUEST_SECONDS'>): number {
  return LONGEST_REQUEST_SECONDS + marginSeconds;
}

export interface SweeperParts {
  database: Database;
  objects: ObjectStore;
  settings: Pick<Settings, 'LONGEST_REQUEST_SECONDS'>;
  log: Logger;
}

/** @returns whether there may be more to do */
function sweepSome({ database, objects, settings, log }: SweeperParts): Promise<boolean> {
  const age = staleSeconds(settings);
  return database.transaction(async (connection) => {
    const [row] = await connection.query<{ locked: boolean }>({
      text: 'SELECT pg_try_advisory_xact_lock($1) AS locked',
      values: [lock],
    });
    if (!row?.locked) return false; // another replica sweeps
    await deleteStaleKeys(connection, age);
    const ids = await stalePending(connection, age, rowsAtATime);
    let swept = 0;
    for (const id of ids) {
      try {
        await objects.remove(id);
      } catch (error) {
        log.warn({ event: 'sweep_failed', fileId: id, error });
        break;
      }
      await deletePending(connection, id);
      swept++;
    }
    if (swept > 0) log.info({ event: 'swept', files: swept });
    return swept === rowsAtATime;
  });
}

/**
 * Sweeps now and then: every replica tries, one at a time does it. The pause derives from the longest request, and
 * varies by half so that replicas spread out.
 *
 * @returns stop, which waits for a sweep under way
 */
export function startSweeper(parts: SweeperParts): { stop(): Promise<void> } {
  const pauseMs = Math.min(60_000, parts.settings.LONGEST_REQUEST_SECONDS * 200);
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let sweep: Promise<void> = Promise.resolve();

  async function run(): Promise<void> {
    try {
      while (!stopped && (await sweepSome(parts)));
    } catch (error) {
      parts.log.warn({ event: 'sweep_failed', error });
    }
    plan();
  }

  function plan(): void {
    if (stopped) return;
    timer = setTimeout(
      () => {
        sweep = run();
      },
      pauseMs * (0.5 + Math.random()),
    );
    timer.unref();
  }

  plan();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await sweep;
    },
  };
}
