// People who use every route of the service, and what they measured themselves.
import { Agent, request } from 'node:http';
import { sendRaw } from '../../support/raw.ts';

/** One answer, as its client saw it. */
export interface Seen {
  method: string;
  /** The route that the service should have counted it as. */
  route: string;
  status: number;
  /** From sending to the last byte of the answer. */
  seconds: number;
  /** When it ended, in seconds since 1970. */
  at: number;
}

export interface Traffic {
  seen: Seen[];
  /** Ends after the cycles that are under way; rejects when one of them failed. */
  stop(): Promise<void>;
}

interface Options {
  /** Replicas, used in turns. */
  urls: readonly string[];
  adminKey: string;
  /** Cycles at the same time; each asks every route once, a second apart at least. */
  people: number;
}

interface Answer {
  status: number;
  cookie: string;
  body: string;
}

const cycleMs = 1000;
const boundary = 'part';
const form = (text: string) =>
  `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n${text}\r\n--${boundary}--\r\n`;

export function startTraffic({ urls, adminKey, people }: Options): Traffic {
  const agent = new Agent({ keepAlive: true });
  const seen: Seen[] = [];
  let stopped = false;
  let turn = 0;

  const ask = (method: string, route: string, path: string, headers: object = {}, body = ''): Promise<Answer> => {
    const url = `${urls[turn++ % urls.length]}${path}`;
    const start = performance.now();
    return new Promise((resolve, reject) => {
      const sent = request(url, { method, agent, headers: { ...headers } }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        answer.on('error', reject).on('end', () => {
          const status = answer.statusCode ?? 0;
          seen.push({ method, route, status, seconds: (performance.now() - start) / 1000, at: Date.now() / 1000 });
          resolve({ status, cookie: answer.headers['set-cookie']?.[0]?.split(';')[0] ?? '', body: text });
        });
      });
      sent.on('error', reject).end(body);
    });
  };

  const cycle = async () => {
    const key = { 'X-API-Key': adminKey };
    const json = { ...key, 'Content-Type': 'application/json' };
    const { cookie } = await ask('GET', '/session', '/session');
    for (let views = 0; views < 5; views++) await ask('GET', '/session', '/session', { Cookie: cookie });
    const named = await ask('POST', '/session', '/session', { ...json, Cookie: cookie }, '{"user":"ann"}');
    await ask('DELETE', '/session', '/session', { Cookie: named.cookie });

    const multipart = { ...key, 'Content-Type': `multipart/form-data; boundary=${boundary}` };
    const uploaded = await ask('POST', '/upload', '/upload', multipart, form('some text'));
    const { id } = JSON.parse(uploaded.body) as { id: string };
    await ask('GET', '/files', '/files?limit=5', key);
    await ask('GET', '/files/:id', `/files/${id}`, key);
    await ask('HEAD', '/files/:id', `/files/${id}`, key);
    await ask('DELETE', '/files/:id', `/files/${id}`, key);

    const made = await ask('POST', '/keys', '/keys', json, '{"name":"a","scopes":["files:read"]}');
    await ask('GET', '/keys', '/keys', key);
    await ask('DELETE', '/keys/:id', `/keys/${(JSON.parse(made.body) as { id: string }).id}`, key);

    // More at once than there are burners: some are refused with 503.
    await Promise.all([1, 2, 3, 4].map(() => ask('GET', '/load/:ms', '/load/30', key)));
    await ask('GET', '/', '/');
    await ask('GET', 'unmatched', '/nowhere');
    // As scanners do.
    await ask('PROPFIND', 'unmatched', '/');
    await ask('GET', '/files', '/files');
    await sendRaw(Number(new URL(urls[0] as string).port), 'no HTTP\r\n\r\n');
  };

  const person = async () => {
    while (!stopped) {
      const next = Date.now() + cycleMs;
      await cycle();
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - Date.now())));
    }
  };
  const all = Promise.all(Array.from({ length: people }, person));
  all.catch(() => undefined);
  return {
    seen,
    async stop() {
      stopped = true;
      await all;
      agent.destroy();
    },
  };
}
