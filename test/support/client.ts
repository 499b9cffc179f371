// A client with a cookie jar of one session, and helpers to read answers.

export interface Answer {
  status: number;
  headers: Headers;
  body: unknown;
}

/** One request; the body is parsed when it is JSON. */
export async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(30_000), redirect: 'manual', ...init });
  const text = await response.text();
  const isJson = /^application\/(problem\+)?json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson && text !== '' ? JSON.parse(text) : text };
}

/** A POST of JSON. */
export const json = (value: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify(value),
});

export interface SessionBody {
  views: number;
  user: string | null;
  instance: string;
}

/** A browser-like client of /session: keeps the cookie it was given last. */
export class SessionClient {
  cookie = '';
  readonly headers: Record<string, string>;

  constructor(headers: Record<string, string> = {}) {
    this.headers = headers;
  }

  async send(url: string, init: RequestInit = {}): Promise<Answer & { body: SessionBody }> {
    const headers = {
      ...this.headers,
      ...(init.headers as Record<string, string>),
      ...(this.cookie ? { Cookie: this.cookie } : {}),
    };
    const answer = await ask(url, { ...init, headers });
    const given = answer.headers.getSetCookie()[0];
    if (given !== undefined) this.cookie = given.includes('Max-Age=0') ? '' : (given.split(';')[0] ?? '');
    return answer as Answer & { body: SessionBody };
  }

  view(base: string): Promise<Answer & { body: SessionBody }> {
    return this.send(`${base}/session`);
  }
}
