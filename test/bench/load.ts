// The load: a process with keep-alive connections and one request in flight on each. An answer other than the expected one ends it.
import { connect, type Socket } from 'node:net';

export interface LoadTarget {
  port: number;
  method: 'GET' | 'HEAD';
  /** Asked for in turn, over all connections. */
  paths: readonly string[];
  headers?: Readonly<Record<string, string>>;
  /** The only status that counts as an answer. */
  status: number;
  connections: number;
  /** Whether each connection keeps the cookie that it is given, as a browser does. */
  cookies: boolean;
}

/** Sent to this process: first the target, then the length of each slice in ms. It replies to each slice. */
export type LoadMessage = { target: LoadTarget } | { sliceMs: number };
export type LoadReply = { answers: number } | { fault: string };

const reply = (message: LoadReply) => process.send?.(message);

class Connection {
  readonly #socket: Socket;
  readonly #target: LoadTarget;
  readonly #next: () => string;
  #cookie = '';
  #received = '';
  #answered: () => void = () => undefined;

  constructor(target: LoadTarget, next: () => string) {
    this.#target = target;
    this.#next = next;
    this.#socket = connect({ port: target.port, host: '127.0.0.1', noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text: string) => this.#read(text));
    this.#socket.on('error', (error) => reply({ fault: error.message }));
    this.#socket.on('close', () => reply({ fault: `the server on port ${target.port} closed a connection` }));
  }

  #read(text: string): void {
    this.#received += text;
    const end = this.#received.indexOf('\r\n\r\n');
    if (end === -1) return;
    const head = this.#received.slice(0, end);
    const length = this.#target.method === 'HEAD' ? 0 : Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1]);
    if (this.#received.length < end + 4 + length) return;
    const status = Number(head.slice(9, 12));
    if (status !== this.#target.status || Number.isNaN(length)) {
      reply({ fault: `unexpected answer: ${this.#received.slice(0, 1000)}` });
      return;
    }
    if (this.#target.cookies) {
      const given = /\r\nset-cookie: *([^;\r]+)/i.exec(head)?.[1];
      if (given !== undefined) this.#cookie = `Cookie: ${given}\r\n`;
    }
    this.#received = '';
    this.#answered();
  }

  ask(): Promise<void> {
    return new Promise((resolve) => {
      this.#answered = resolve;
      this.#socket.write(this.#next().replace('\r\n\r\n', `\r\n${this.#cookie}\r\n`));
    });
  }
}

let connections: Connection[] = [];

function open(target: LoadTarget): void {
  const headers = Object.entries({ Host: `127.0.0.1:${target.port}`, ...target.headers });
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const requests = target.paths.map((path) => `${target.method} ${path} HTTP/1.1\r\n${lines}\r\n`);
  let turn = 0;
  const next = () => requests[turn++ % requests.length] as string;
  connections = Array.from({ length: target.connections }, () => new Connection(target, next));
}

async function slice(ms: number): Promise<number> {
  const end = performance.now() + ms;
  let answers = 0;
  const work = async (connection: Connection) => {
    while (performance.now() < end) {
      await connection.ask();
      answers++;
    }
  };
  await Promise.all(connections.map(work));
  return answers;
}

process.on('message', async (message: LoadMessage) => {
  if ('target' in message) open(message.target);
  else reply({ answers: await slice(message.sliceMs) });
});
// Also when the benchmark is killed.
process.on('disconnect', () => process.exit());
