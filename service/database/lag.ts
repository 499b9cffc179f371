// How far a reader is behind its writer, by one clock only: ours.
//
// The time of the last replayed transaction (pg_last_xact_replay_timestamp) grows without end while the writer is idle,
// and a reader that has lost its writer believes that it has replayed all there is. So positions in the write-ahead log are
// noted together with when the writer stood there; the reader is as old as the newest of them that it has reached.

/** One look at the writer: its position in the log, and when that was (ms of a monotonic clock). */
export interface Position {
  lsn: bigint;
  atMs: number;
}

/** Reads PostgreSQL's text form of a position, such as 16/B374D848. */
export function parseLsn(text: string): bigint {
  const [high = '', low = ''] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

/** Remembers positions of the writer for as long as they can matter. */
export function createLagMeter(keptMs: number): {
  note(position: Position): void;
  /** Age in ms of what the reader shows, at most; undefined when it is older than all that is remembered. */
  lagMs(replayed: bigint, nowMs: number): number | undefined;
} {
  let positions: Position[] = [];
  return {
    note(position) {
      const oldest = position.atMs - keptMs;
      positions = positions.filter(({ atMs }) => atMs >= oldest);
      positions.push(position);
    },
    lagMs(replayed, nowMs) {
      const reached = positions.findLast(({ lsn }) => lsn <= replayed);
      return reached && nowMs - reached.atMs;
    },
  };
}
