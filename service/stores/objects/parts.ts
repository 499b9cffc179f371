// Gathers a stream of unknown length into parts for a multipart upload.

/** Bytes of a part: S3 takes 10,000 parts of at least 5 MiB. */
const partBytes = 8 * 1024 * 1024;

export interface Part {
  bytes: Uint8Array;
  last: boolean;
}

/**
 * Gives full parts, and the rest as the last one; an empty stream is one empty part.
 * Two buffers take turns: a part is valid until the next but one is asked for, so that one can be sent while the next is filled.
 * Copying frees the small chunks of a slow client, each of which may pin a whole read buffer.
 */
export async function* partsOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Part> {
  let filling: Buffer = Buffer.allocUnsafeSlow(partBytes);
  let sent: Buffer | undefined;
  let used = 0;
  for await (const chunk of source) {
    for (let from = 0; from < chunk.length; ) {
      if (used === partBytes) {
        const full = filling;
        yield { bytes: full, last: false };
        filling = sent ?? Buffer.allocUnsafeSlow(partBytes);
        sent = full;
        used = 0;
      }
      const piece = chunk.subarray(from, from + partBytes - used);
      filling.set(piece, used);
      used += piece.length;
      from += piece.length;
    }
  }
  yield { bytes: filling.subarray(0, used), last: true };
}
