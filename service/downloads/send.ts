// Sends a stream as the body of an answer, one chunk at a time, and frees each once it has been written.
import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { release } from '../release.ts';

/** Resolves when the chunk has been handed to the kernel. */
function write(response: ServerResponse, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    response.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

/**
 * Ends the response after the whole stream; destroys the stream when the client goes away or the signal aborts.
 *
 * @throws whatever the stream fails with, or the signal's reason; the answer is then incomplete
 */
export async function sendStream(stream: Readable, response: ServerResponse, signal: AbortSignal): Promise<void> {
  const stop = () => {
    stream.destroy(signal.reason);
    response.destroy();
  };
  const closed = () => stream.destroy(new DOMException('the client went away', 'AbortError'));
  signal.addEventListener('abort', stop);
  response.on('close', closed);
  try {
    signal.throwIfAborted();
    for await (const chunk of stream) {
      await write(response, chunk);
      release(chunk);
    }
    response.off('close', closed);
    response.end();
  } catch (error) {
    response.destroy();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', stop);
    response.off('close', closed);
    stream.destroy();
  }
}
