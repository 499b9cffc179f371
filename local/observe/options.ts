// What a person may tell `make observe`.
import { parseArgs } from 'node:util';

export const help = `make observe ARGS="…" draws the dashboards on a page of this machine, from a real Prometheus.

Without --prometheus it starts one that scrapes the replicas of make run, with the recording rules and alerts.

  --port NUMBER       port of the page (default: 3030, or the next free one)
  --prometheus URL    an existing Prometheus instead, such as one that is port-forwarded from a cluster:
                      kubectl --namespace monitoring port-forward svc/prometheus-operated 9090
                      http://USER:PASSWORD@HOST for one that wants to know who asks
  --namespace NAME    with --prometheus: namespace of the service (default: slipway)
  --service NAME      with --prometheus: name of the service (default: slipway)
  --help              show this`;

export interface ObserveOptions {
  /** Port that the person insists on. */
  port?: number;
  /** Absent: start a Prometheus for `make run`. */
  prometheus?: { /** May hold user and password. */ url: string; namespace: string; service: string };
}

/** A failure that is explained in full by its message. */
export class ObserveError extends Error {
  override readonly name = 'ObserveError';
}

/**
 * @returns undefined when help is asked for
 * @throws ObserveError
 */
export function readOptions(
  args: readonly string[],
  initial: { namespace: string; service: string },
): ObserveOptions | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const options: ObserveOptions = {};
  if (values.port !== undefined) {
    options.port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : 0;
    if (!(options.port >= 1 && options.port <= 65_535))
      throw new ObserveError(`--port must be a whole number from 1 to 65535, not "${values.port}"`);
  }
  for (const name of ['namespace', 'service'] as const) {
    const value = values[name];
    if (value === undefined) continue;
    if (values.prometheus === undefined) throw new ObserveError(`--${name} is of use only with --prometheus URL`);
    // It becomes part of queries: what Kubernetes allows as a name has nothing to escape.
    if (!/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/.test(value))
      throw new ObserveError(`--${name} must be a name of Kubernetes (a-z, 0-9, dashes), not "${value}"`);
  }
  if (values.prometheus !== undefined) {
    options.prometheus = {
      url: address(values.prometheus),
      namespace: values.namespace ?? initial.namespace,
      service: values.service ?? initial.service,
    };
  }
  return options;
}

function parse(args: readonly string[]) {
  try {
    const one = { type: 'string' } as const;
    const options = { port: one, prometheus: one, namespace: one, service: one, help: { type: 'boolean' } } as const;
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new ObserveError(`${(error as Error).message.split('. ')[0]}; see make observe ARGS="--help"`);
  }
}

function address(text: string): string {
  const url = URL.parse(text);
  // What stands before an @ may be a password.
  if (!url || !['http:', 'https:'].includes(url.protocol))
    throw new ObserveError(
      `--prometheus must be a URL such as http://127.0.0.1:9090, not "${text.replace(/^.*@/, '…@')}"`,
    );
  try {
    decodeURIComponent(url.username + url.password);
  } catch {
    throw new ObserveError('--prometheus: write a % of the user or the password as %25');
  }
  url.search = '';
  url.hash = '';
  return url.href.replace(/\/+$/, '');
}
