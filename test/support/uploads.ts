// Uploads as clients send them: forms, raw bodies, of known and unknown length, and ones that stop half-way.
import { createHash, randomFillSync } from 'node:crypto';
import http, { type ClientRequest, type IncomingMessage } from 'node:http';

export interface StoredFile {
  id: string;
  name: string;
  type: string;
  size: number;
  sha256: string;
  url: string;
}

export interface UploadAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: StoredFile & { code?: string };
}

export const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

async function answerOf(message: IncomingMessage): Promise<UploadAnswer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return {
    status: message.statusCode ?? 0,
    headers: message.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

/** A POST /upload whose body the caller writes; `answer` resolves with what comes back, whenever that is. */
export function beginUpload(
  base: string,
  headers: Record<string, string>,
): { request: ClientRequest; answer: Promise<UploadAnswer> } {
  const request = http.request(`${base}/upload`, { method: 'POST', headers, agent: false });
  const answer = new Promise<UploadAnswer>((resolve, reject) => {
    request.on('response', (message) => answerOf(message).then(resolve, reject));
    request.on('error', reject);
  });
  answer.catch(() => undefined);
  request.flushHeaders();
  return { request, answer };
}

/** Sends a whole body, with Content-Length unless the headers ask for chunks. */
export async function sendUpload(
  base: string,
  headers: Record<string, string>,
  body: Uint8Array | string,
): Promise<UploadAnswer> {
  const bytes = Buffer.from(body);
  const framed = headers['Transfer-Encoding'] ? headers : { ...headers, 'Content-Length': `${bytes.length}` };
  const { request, answer } = beginUpload(base, framed);
  request.end(bytes);
  return answer;
}

/** A form with one file, as bytes. */
export function formOf(content: Uint8Array | string, disposition = 'name="file"; filename="a.bin"', more = '') {
  const boundary = '----slipway-test-boundary';
  return {
    headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}` },
    body: Buffer.concat([
      Buffer.from(`${more}--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n`),
      Buffer.from(content),
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]),
    boundary,
  };
}

export interface Written {
  size: number;
  sha256: string;
}

/**
 * Writes random bytes with backpressure. One MiB of randomness is reused with a counter in it, so that the client costs little.
 *
 * @param lead bytes before and after them, such as the framing of a form
 */
export async function writeRandom(
  request: ClientRequest,
  size: number,
  lead: { before?: Buffer; after?: Buffer } = {},
): Promise<Written> {
  const block = randomFillSync(Buffer.allocUnsafe(1024 * 1024));
  const hash = createHash('sha256');
  const closed = new Promise((resolve) => request.once('close', resolve));
  if (lead.before) request.write(lead.before);
  for (let written = 0; written < size; written += block.length) {
    const chunk = Buffer.from(block.subarray(0, Math.min(block.length, size - written)));
    if (chunk.length >= 8) chunk.writeDoubleLE(written, 0);
    hash.update(chunk);
    if (!request.write(chunk)) {
      await Promise.race([new Promise((resolve) => request.once('drain', resolve)), closed]);
      if (request.destroyed) throw new Error('the connection closed');
    }
  }
  request.end(lead.after);
  return { size, sha256: hash.digest('hex') };
}

/** Downloads and hashes, keeping nothing. */
export async function hashDownload(
  url: string,
  headers: Record<string, string>,
): Promise<Written & { status: number }> {
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    http.get(url, { headers, agent: false }, resolve).on('error', reject);
  });
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of message) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { status: message.statusCode ?? 0, size, sha256: hash.digest('hex') };
}
