// Asking Prometheus over its HTTP API: https://prometheus.io/docs/prometheus/latest/querying/api/

/** Nothing answers at the address, or not in time. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}
/** Who asks is not let in: a proxy before Prometheus, or Prometheus itself, wants to know who that is. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError';
}
/** Something answers, but not as Prometheus does. */
export class NotPrometheusError extends Error {
  override readonly name = 'NotPrometheusError';
}
/** Prometheus says no, in its own words. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

type Labels = Readonly<Record<string, string>>;
/** Seconds since 1970, and the value as text, which may be NaN or +Inf. */
type Sample = readonly [number, string];

export interface Alert {
  labels: Labels;
  annotations: Labels;
  state: string;
  activeAt: string;
}

export interface PrometheusApi {
  /** Without user and password: it is shown to people. */
  readonly url: string;
  /** Such as `2.42.0`. */
  version(): Promise<string>;
  /** Its clock, in seconds since 1970. */
  time(): Promise<number>;
  /** One value for each series, at this time, or at Prometheus' own. */
  query(expression: string, at?: number): Promise<{ labels: Labels; value: number }[]>;
  queryRange(
    expression: string,
    range: { start: number; end: number; step: number },
  ): Promise<{ labels: Labels; samples: readonly Sample[] }[]>;
  alerts(): Promise<Alert[]>;
}

const answerMs = 10_000;
/** Prometheus' own limit of points keeps answers far below. */
const maxAnswerBytes = 32 * 1024 ** 2;

/** @param address without a slash at its end; `http://user:password@host` for one that wants to know who asks */
export function prometheusApi(address: string): PrometheusApi {
  const { url, headers } = separated(address);
  async function ask<T>(path: string, parameters?: Record<string, string>): Promise<T> {
    const { status, text } = await read(`${url}/api/v1/${path}`, headers, parameters);
    if (status === 401 || status === 403) throw new CredentialsError(`HTTP ${status}`);
    const answer = parse<T>(text);
    if (answer?.status === 'success' && answer.data !== undefined) return answer.data;
    if (answer?.status === 'error') throw new RefusedError(answer.error ?? 'without a reason');
    throw new NotPrometheusError(
      `HTTP ${status}, ${text === '' ? 'empty' : `"${text.slice(0, 60).replace(/\s+/g, ' ')}"`}`,
    );
  }
  /** A body of another shape is not to be mistaken for an empty one. */
  const list = <T>(found: T[] | undefined, what: string): T[] => {
    if (!Array.isArray(found)) throw new NotPrometheusError(`an answer without ${what}`);
    return found;
  };
  return {
    url,
    async version() {
      const { version } = await ask<{ version?: string }>('status/buildinfo');
      if (typeof version !== 'string') throw new NotPrometheusError('an answer without a version');
      return version;
    },
    async time() {
      const { result } = await ask<{ result?: [number, string] }>('query', { query: 'time()' });
      const seconds = Number(list(result, 'a time')[1]);
      if (!Number.isFinite(seconds)) throw new NotPrometheusError('an answer without a time');
      return seconds;
    },
    async query(expression, at) {
      const when: Record<string, string> = at === undefined ? {} : { time: `${at}` };
      type Answer = { resultType?: string; result?: { metric: Labels; value: Sample }[] | Sample };
      const { resultType, result } = await ask<Answer>('query', { query: expression, ...when });
      if (resultType === 'scalar') return [{ labels: {}, value: Number((result as Sample)[1]) }];
      return list(result as { metric: Labels; value: Sample }[], 'a result').map(({ metric, value }) => ({
        labels: metric,
        value: Number(value[1]),
      }));
    },
    async queryRange(expression, { start, end, step }) {
      const { result } = await ask<{ result?: { metric: Labels; values: Sample[] }[] }>('query_range', {
        query: expression,
        start: `${start}`,
        end: `${end}`,
        step: `${step}`,
      });
      return list(result, 'a result').map(({ metric, values }) => ({ labels: metric, samples: values }));
    },
    async alerts() {
      return list((await ask<{ alerts?: Alert[] }>('alerts')).alerts, 'alerts');
    },
  };
}

function parse<T>(text: string): { status?: string; data?: T; error?: string } | undefined {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
}

/** fetch refuses an address with user and password in it: they become a header. Source: RFC 7617. */
function separated(address: string): { url: string; headers: Record<string, string> } {
  const url = new URL(address);
  const credentials = [url.username, url.password].map(decodeURIComponent).join(':');
  url.username = '';
  url.password = '';
  return {
    url: url.href.replace(/\/+$/, ''),
    headers: credentials === ':' ? {} : { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
  };
}

/** POST where there are parameters: queries may be longer than a URL. */
async function read(
  url: string,
  headers: Record<string, string>,
  parameters?: Record<string, string>,
): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, {
      headers,
      ...(parameters === undefined ? {} : { method: 'POST', body: new URLSearchParams(parameters) }),
      signal: AbortSignal.timeout(answerMs),
    });
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > maxAnswerBytes)
        throw new NotPrometheusError(`an answer of more than ${maxAnswerBytes / 1024 ** 2} MiB`);
      chunks.push(chunk);
    }
    return { status: response.status, text: Buffer.concat(chunks).toString() };
  } catch (error) {
    if (error instanceof NotPrometheusError) throw error;
    const { name, cause } = error as Error & { cause?: { code?: string; message?: string } };
    throw new UnreachableError(
      name === 'TimeoutError' ? `no answer in ${answerMs / 1000} s` : (cause?.code ?? cause?.message ?? name),
    );
  }
}
