// Turns the body of an upload request into a named stream of bytes: a form's field `file`, or the raw body.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Problem } from '../errors.ts';
import { release } from '../release.ts';
import { parseDisposition } from './disposition.ts';
import { boundaryOf, findFile } from './multipart.ts';
import { safeName } from './names.ts';

export interface UploadBody {
  /** Safe to store and to show, see names.ts. */
  name: string;
  /** Content type the client declared. */
  declaredType: string | undefined;
  /** Bytes of the file, when known before it has arrived. */
  length: number | undefined;
  /** The file; each chunk is valid until the next one is asked for. Throws when the client goes away, the signal aborts, or the framing turns out wrong. */
  bytes: AsyncIterable<Uint8Array>;
  /** Lets go of the message, wherever reading stands. */
  close(): void;
}

/**
 * The message's chunks, with its own backpressure. Unlike the stream's own iterator it leaves the connection open when it is
 * left early, so that an error can still be answered, and it ends when the signal aborts. A chunk is valid until the next one
 * is asked for.
 */
export async function* messageChunks(message: IncomingMessage, signal: AbortSignal): AsyncGenerator<Buffer> {
  let wake: () => void = () => undefined;
  const onEvent = () => wake();
  const events = ['readable', 'end', 'error', 'close'] as const;
  for (const event of events) message.on(event, onEvent);
  signal.addEventListener('abort', onEvent);
  try {
    for (;;) {
      signal.throwIfAborted();
      const chunk: Buffer | null = message.read();
      if (chunk !== null) {
        yield chunk;
        release(chunk);
      } else if (message.readableEnded) return;
      else if (message.destroyed) throw new Problem('malformed_request', 'The body ended too early.');
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    for (const event of events) message.off(event, onEvent);
    signal.removeEventListener('abort', onEvent);
  }
}

const rawTypesRefused = /^(?:multipart\/|application\/x-www-form-urlencoded)/i;

async function findContent(
  headers: IncomingHttpHeaders,
  chunks: AsyncIterable<Uint8Array>,
  length: number | undefined,
): Promise<Omit<UploadBody, 'close'>> {
  const type = headers['content-type']?.trim();
  if (type !== undefined && /^multipart\/form-data\b/i.test(type)) {
    const { filename, ...part } = await findFile(chunks, boundaryOf(type), length);
    return { name: safeName(filename ?? ''), declaredType: part.type, length: part.length, bytes: part.bytes };
  }
  if (type !== undefined && rawTypesRefused.test(type)) {
    throw new Problem('unsupported_media_type', 'Send multipart/form-data, or the file itself with its own type.');
  }
  const { filename } = parseDisposition(headers['content-disposition'] ?? '');
  return { name: safeName(filename ?? ''), declaredType: type, length, bytes: chunks };
}

/**
 * @throws Problem `length_required`, `unsupported_media_type`, `invalid_multipart`, or the signal's reason
 */
export async function openBody(message: IncomingMessage, signal: AbortSignal): Promise<UploadBody> {
  const { headers } = message;
  const length = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
  if (length === undefined && headers['transfer-encoding'] === undefined) throw new Problem('length_required');
  if (!/^(?:identity)?$/i.test(headers['content-encoding'] ?? '')) {
    throw new Problem('unsupported_media_type', 'Send the file without Content-Encoding.');
  }
  const leaving = new AbortController();
  const chunks = messageChunks(message, AbortSignal.any([signal, leaving.signal]));
  const close = () => {
    leaving.abort();
    chunks.return(undefined).catch(() => undefined);
  };
  try {
    return { ...(await findContent(headers, chunks, length)), close };
  } catch (error) {
    close();
    throw error;
  }
}
