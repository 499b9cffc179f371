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
