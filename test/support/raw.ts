// Sends exact bytes, which no HTTP client would, and reads the first answer.
import { connect } from 'node:net';

export interface RawAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
  /** How many answers came before the connection was closed. */
  answers: number;
}

/** @param bytes everything that is sent; the answer must come within 8 s. Status 0: the connection was closed without one */
export function sendRaw(port: number, bytes: string | Buffer): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no complete answer to ${JSON.stringify(bytes.toString('latin1').slice(0, 80))}`));
    }, 8000);
    const done = (closed: boolean) => {
      const text = Buffer.concat(chunks).toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end === -1 && !closed) return;
      const [first = '', ...lines] = text.slice(0, Math.max(end, 0)).split('\r\n');
      const headers = Object.fromEntries(
        lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
      );
      const body = text.slice(end + 4);
      if (!closed && body.length < Number(headers['content-length'] ?? 0)) return;
      clearTimeout(timer);
      socket.destroy();
      resolve({
        status: Number(first.split(' ')[1] ?? 0),
        headers,
        body: body.slice(0, Number(headers['content-length'] ?? body.length)),
        answers: text.split(/^HTTP\/1\.1 /m).length - 1,
      });
    };
    socket.on('connect', () => socket.write(bytes));
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      done(false);
    });
    socket.on('error', () => done(true));
    socket.on('close', () => done(true));
  });
}

/**
 * Sends a request as a client does that reads only when it has sent everything.
 *
 * @param head up to and with the empty line
 * @param answered resolves when the answer to the head is on its way
 * @param body sent only then
 * @returns all that has come when the connection is closed. @throws when it is reset
 */
export function sendThenRead(
  port: number,
  head: string,
  answered: () => Promise<unknown>,
  body: Buffer,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    // Else Node would take the answer from the kernel, where a reset can destroy it.
    socket.pause();
    socket.once('error', reject);
    socket.once('close', () => resolve(text));
    socket.once('connect', () => {
      socket.write(head);
      answered().then(() => {
        socket.write(body, () => socket.resume());
      }, reject);
    });
  });
}
