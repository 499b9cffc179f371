// Looks at a file while it streams by: counts, hashes, limits, and keeps its first bytes.
import { createHash } from 'node:crypto';
import { Problem } from '../errors.ts';
import { sniffBytes } from './types.ts';

export interface Metered {
  bytes: AsyncIterable<Uint8Array>;
  /** What is known once all bytes have been read. */
  result(): { size: number; sha256: string; start: Buffer };
}

/** @throws Problem `body_too_large`, from `bytes`, as soon as more than `maxBytes` have come */
export function meter(source: AsyncIterable<Uint8Array>, maxBytes: number): Metered {
  const hash = createHash('sha256');
  const start = Buffer.alloc(sniffBytes);
  let size = 0;
  async function* bytes() {
    for await (const chunk of source) {
      if (size < sniffBytes) start.set(chunk.subarray(0, sniffBytes - size), size);
      size += chunk.length;
      if (size > maxBytes) throw new Problem('body_too_large', `A file may have ${maxBytes} bytes.`);
      hash.update(chunk);
      yield chunk;
    }
  }
  return {
    bytes: bytes(),
    result: () => ({ size, sha256: hash.digest('hex'), start: start.subarray(0, Math.min(size, sniffBytes)) }),
  };
}
