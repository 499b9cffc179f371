// One user of Redis with two passwords: the new one is added before it is used, and the one before it stays until the next rotation.
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Rotation } from './rotate.ts';
import type { Credentials } from './secret-versions.ts';

export interface TwoPasswordsOptions {
  /** Makes exactly these the passwords of the user; resolves when the store takes them. */
  setPasswords(username: string, passwords: readonly [string, string]): Promise<void>;
  server: { host: string; port: number; tls: boolean };
}

export function twoPasswords({ setPasswords, server }: TwoPasswordsOptions) {
  return {
    next: async ({ username }, password) => ({ username, password }),
    set: (pending, current) => setPasswords(pending.username, [current.password, pending.password]),
    test: (pending) => authenticate(pending, server),
  } satisfies Rotation;
}

const timeoutMs = 10_000;

/** Logs in and out again. @throws with the answer of the server when that is not OK */
function authenticate(
  { username, password }: Credentials,
  { host, port, tls }: TwoPasswordsOptions['server'],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = tls ? connectTls({ host, port, servername: host }) : connectPlain({ host, port });
    const finish = (error?: Error) => {
      socket.destroy();
      if (error) reject(error);
      else resolve();
    };
    let answer = '';
    socket.setTimeout(timeoutMs, () => finish(new Error(`${host}:${port} did not answer in ${timeoutMs} ms.`)));
    socket.on('error', finish);
    socket.on('end', () => finish(new Error(`${host}:${port} closed the connection.`)));
    socket.once(tls ? 'secureConnect' : 'connect', () => socket.write(command('AUTH', username, password)));
    socket.on('data', (bytes) => {
      answer += bytes.toString();
      if (!answer.includes('\r\n')) return;
      finish(answer.startsWith('+OK') ? undefined : new Error(`${host}:${port} answered ${answer.trim()}`));
    });
  });
}

/** A command as Redis reads it (RESP). */
const command = (...words: readonly string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
