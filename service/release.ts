// Gives the memory of streamed chunks back at once. Left to the collector, it waits until 64 MB of them have piled up.

/**
 * Frees a chunk that nobody looks at any more; it is empty afterwards. Chunks that share their memory with others are left alone.
 */
export function release(chunk: Uint8Array): void {
  const { buffer } = chunk;
  if (buffer instanceof ArrayBuffer && chunk.byteLength === buffer.byteLength) buffer.transfer(0);
}
