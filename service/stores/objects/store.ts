// What the service asks of an object store. Two adapters keep it: s3.ts and disk.ts; one contract suite holds both.
import type { Readable } from 'node:stream';

/** Part of an object: first and last byte, both included. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface PutOptions {
  /** Bytes that will come, when known: then it is one request of exactly that length. */
  length?: number;
  /** Stops the transfer; what was written so far is removed. */
  signal: AbortSignal;
  /** W3C trace context, passed on to the store. */
  traceparent?: string;
}

export interface ObjectStore {
  /**
   * Streams the body into a new object with bounded memory. Resolves only when the object exists in full.
   * A chunk of the body is valid until the next one is asked for: the store has copied, sent or written it by then.
   * When it rejects, no object exists and nothing of it remains that `remove` would not take away.
   *
   * @throws Problem `storage_full` or `objects_unavailable`; an error of the body itself is passed through unchanged
   */
  put(key: string, body: AsyncIterable<Uint8Array>, options: PutOptions): Promise<void>;
  /** Opens an object, or a range of it, for reading. Undefined if there is none. @throws Problem `objects_unavailable` */
  get(key: string, range: ByteRange | undefined, signal: AbortSignal): Promise<Readable | undefined>;
  /** Removes the object and anything that an unfinished `put` of that key has left. Removing nothing is no error. */
  remove(key: string): Promise<void>;
  /** Rejects when the store does not answer. */
  ping(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
