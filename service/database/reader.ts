// Watches a streaming replica and says whether it may be read from.
import type { Logger } from 'pino';
import type { GuardedPool } from './guarded-pool.ts';
import { createLagMeter, parseLsn } from './lag.ts';

export interface Reader {
  state(): { used: boolean; lagMs: number | undefined };
  close(): void;
}

/** How often it is looked at: several times within the greatest lag, within these limits in ms. */
const shortestIntervalMs = 50;
const longestIntervalMs = 250;

/**
 * Looks at writer and reader again and again. The reader is used while it is at most `maxLagMs` behind.
 * A look that takes longer than that ends it at once, with the statements that wait for it: they go on at the writer.
 * While the writer is away nobody knows what the reader lacks, so it is not used for longer than `maxLagMs`.
 */
export function watchReader(options: {
  writer: GuardedPool;
  reader: GuardedPool;
  maxLagMs: number;
  log: Logger;
}): Reader {
  const { writer, reader, maxLagMs, log } = options;
  const intervalMs = Math.min(Math.max(maxLagMs / 4, shortestIntervalMs), longestIntervalMs);
  const meter = createLagMeter(maxLagMs + 10 * longestIntervalMs);
  let replayed: bigint | undefined;
  let used = false;
  let closed = false;
  let timer: NodeJS.Timeout;

  const lagMs = () => (replayed === undefined ? undefined : meter.lagMs(replayed, performance.now()));
  const isClose = () => {
    const lag = lagMs();
    return lag !== undefined && lag <= maxLagMs;
  };

  async function lookAtWriter(): Promise<void> {
    const atMs = performance.now(); // before it is asked: the position is at least that new
    const [row] = await writer.look<{ lsn: string }>({ text: 'SELECT pg_current_wal_lsn() AS lsn' });
    if (row) meter.note({ lsn: parseLsn(row.lsn), atMs });
  }

  async function lookAtReader(): Promise<void> {
    const late = setTimeout(() => reader.abandon(new Error('the reader does not answer')), Math.max(maxLagMs, 250));
    try {
      const [row] = await reader.look<{ lsn: string | null }>({ text: 'SELECT pg_last_wal_replay_lsn() AS lsn' });
      replayed = row?.lsn == null ? undefined : parseLsn(row.lsn);
    } catch {
      replayed = undefined;
    } finally {
      clearTimeout(late);
    }
  }

  async function look(): Promise<void> {
    await lookAtWriter().catch(() => undefined); // positions grow old, and with them the reader
    await lookAtReader();
    if (closed) return;
    if (isClose() !== used) {
      used = !used;
      log[used ? 'info' : 'warn']({ event: used ? 'reader_used' : 'reader_out', lagMs: lagMs() });
    }
    timer = setTimeout(look, intervalMs);
  }
  void look();

  return {
    state: () => ({ used: used && isClose(), lagMs: lagMs() }),
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
