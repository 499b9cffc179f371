// Whether what the page draws can be trusted: is it Prometheus, new enough, on time, and does it have the service's series?
import type { Finding } from './page/shapes.ts';
import {
  CredentialsError,
  NotPrometheusError,
  type PrometheusApi,
  RefusedError,
  UnreachableError,
} from './prometheus-api.ts';

/** The oldest that the queries are held to: Debian 12 has 2.42, and 2.40 is the first with all that they use. */
const oldest = [2, 40] as const;
/** A scrape interval: less is not to be told from a slow answer, and moves no chart. */
const clockSeconds = 30;

export interface Watched {
  namespace: string;
  service: string;
  /** What to do when Prometheus is gone. */
  prometheusRemedy: string;
  /** What to do when none of the service's series are there. */
  targetsRemedy: string;
  /** Why there can be no new series, where that is known without Prometheus. */
  sourceFinding?(): Finding | undefined;
}

export interface Health {
  /** Prometheus answers as Prometheus does: it makes sense to ask it more. */
  usable: boolean;
  /** Its clock, in seconds since 1970; this machine's when it does not tell. */
  now: number;
  findings: Finding[];
}

/** Never rejects for what Prometheus does: that is a finding. */
export async function check(api: PrometheusApi, watched: Watched): Promise<Health> {
  const lost = watched.sourceFinding?.();
  try {
    const version = await api.version();
    const asked = Date.now() / 1000;
    const now = await api.time();
    const offset = now - (asked + Date.now() / 1000) / 2;
    return {
      usable: true,
      now,
      findings: [
        ...versionFinding(api.url, version),
        ...clockFinding('The clock of Prometheus', 'this machine', offset),
        ...(lost ? [lost] : await targetFindings(api, watched)),
      ],
    };
  } catch (error) {
    return { usable: false, now: Date.now() / 1000, findings: [failure(api.url, error, watched.prometheusRemedy)] };
  }
}

/** @throws what is no answer of Prometheus, and so a fault of ours */
function failure(url: string, error: unknown, remedy: string): Finding {
  if (error instanceof UnreachableError)
    return { what: `Prometheus at ${url} does not answer (${error.message}).`, remedy };
  if (error instanceof NotPrometheusError)
    return {
      what: `What answers at ${url} is not Prometheus: ${error.message}.`,
      remedy: 'Give the address of Prometheus itself: make observe ARGS="--prometheus http://127.0.0.1:9090"',
    };
  if (error instanceof CredentialsError)
    return {
      what: `Prometheus at ${url} does not let you in (${error.message}).`,
      remedy: 'Give the right user and password: make observe ARGS="--prometheus http://USER:PASSWORD@HOST:PORT"',
    };
  if (error instanceof RefusedError)
    return { what: `Prometheus at ${url} refuses to answer: ${error.message}.`, remedy: 'See its log.' };
  throw error;
}

function versionFinding(url: string, version: string): Finding[] {
  const [major = 0, minor = 0] = (/^v?(\d+)\.(\d+)/.exec(version) ?? []).slice(1).map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return [];
  return [
    {
      what: `Prometheus at ${url} is of version ${version}; panels may be empty or wrong.`,
      remedy: `Use ${oldest.join('.')} or later.`,
    },
  ];
}

/** @param offset seconds by which the one clock is ahead of the other */
export function clockFinding(clock: string, other: string, offset: number): Finding[] {
  if (Math.abs(offset) <= clockSeconds) return [];
  const size = Math.round(Math.abs(offset));
  return [
    {
      what: `${clock} is ${size} s ${offset > 0 ? 'ahead of' : 'behind'} that of ${other}; times on this page are Prometheus'.`,
      remedy: 'Set the clocks by the network, on Linux: timedatectl set-ntp true',
    },
  ];
}

async function targetFindings(api: PrometheusApi, { namespace, service, targetsRemedy }: Watched): Promise<Finding[]> {
  const up = await api.query(`up{namespace="${namespace}",service="${service}"}`);
  if (up.length === 0)
    return [
      { what: `Prometheus has no series yet of namespace ${namespace}, service ${service}.`, remedy: targetsRemedy },
    ];
  const down = up.filter(({ value }) => value === 0).map(({ labels }) => labels.pod ?? labels.instance ?? 'unnamed');
  if (down.length === 0) return [];
  return [
    {
      what: `Prometheus gets no metrics from ${down.length} of ${up.length} replicas: ${down.slice(0, 5).join(', ')}.`,
      remedy: 'A replica that was just started or stopped: wait 15 s. Else see its log.',
    },
  ];
}
