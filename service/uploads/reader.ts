// Reads a stream of chunks up to delimiters, without copying what lies between them.

const nothing: Buffer = Buffer.alloc(0);

/** @throws never by itself; an error of the source passes through */
export class ChunkReader {
  /** Bytes taken from the source so far. */
  received = 0;
  #source: AsyncIterator<Uint8Array>;
  #pending = nothing;

  /** @param lead bytes that are read first, as if the source began with them; they do not count as received */
  constructor(source: AsyncIterable<Uint8Array>, lead: Buffer = nothing) {
    this.#source = source[Symbol.asyncIterator]();
    this.#pending = lead;
  }

  /** Bytes in hand: received and not yet read. */
  get pending(): Buffer {
    return this.#pending;
  }

  /** Marks the first `count` pending bytes as read. */
  skip(count: number): void {
    this.#pending = this.#pending.subarray(count);
  }

  /** Takes the next chunk; false at the end of the source. */
  async more(): Promise<boolean> {
    // What is in hand lies in a chunk that ends with the next one.
    if (this.#pending.length > 0) this.#pending = Buffer.from(this.#pending);
    const { value, done } = await this.#source.next();
    if (done) return false;
    const chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    this.received += chunk.length;
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    return true;
  }

  /** Waits until `count` bytes are in hand; false when the source ends before. */
  async has(count: number): Promise<boolean> {
    while (this.#pending.length < count) if (!(await this.more())) return false;
    return true;
  }

  /**
   * Reads up to the delimiter and past it, and gives what comes before, as it comes.
   * Returns false when the source ends without the delimiter.
   *
   * @param delimiter starts with CR and has no other CR, so that only the last CR of a chunk can be the start of a split one
   */
  async *until(delimiter: Buffer): AsyncGenerator<Buffer, boolean> {
    do {
      const chunk = this.#pending;
      const at = chunk.indexOf(delimiter);
      if (at >= 0) {
        this.skip(at + delimiter.length);
        if (at > 0) yield chunk.subarray(0, at);
        return true;
      }
      const cr = chunk.lastIndexOf(0x0d);
      const split = cr >= 0 && delimiter.subarray(0, chunk.length - cr).equals(chunk.subarray(cr));
      const end = split ? cr : chunk.length;
      this.skip(end);
      if (end > 0) yield chunk.subarray(0, end);
    } while (await this.more());
    return false;
  }
}
