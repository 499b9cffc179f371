// What the service promises: how many of all requests are good, and what counts.
import type { Severity } from '../../config/aws-names.ts';
import { failed, ofService, type Place } from '../selectors.ts';
import { plain } from './span.ts';

/** Days over which an objective is held against what happened. */
export const periodDays = 30;
/** Fewer bad requests than this in the long window wake nobody: at night one of five requests is 20 %. */
export const fewestBad = 10;

export interface Objective {
  id: 'availability' | 'latency-p50' | 'latency-p95' | 'latency-p99';
  /** Share of the requests that must be good, 0 to 1. */
  target: number;
  /** What a good request is. */
  good: string;
  /** What a bad one did, to be read after a share of the requests. */
  failing: string;
  /** Requests that count, per second. @param range of the rate, such as 5m */
  requests(place: Place, range: string): string;
  /** Those of them that are bad. */
  bad(place: Place, range: string): string;
}

const perSecond = (series: string, range: string) => `sum by (namespace, service) (rate(${series}[${range}]))`;

/**
 * Routes whose answers say nothing about users: probes are always quick and good, and of unknown paths nobody is served;
 * scanners ask for so many of those that they would hide an outage.
 */
export const unserved = ['/health', '/live', 'unmatched'] as const;

/**
 * Routes whose time is the client's, so that no number of theirs could be the service's promise: /load burns as long as it is
 * told to, and an upload or a download takes as long as the client's line. (The template of downloads is also that of DELETE,
 * which goes with them: too rare to matter.) But for /load they count for availability like any other.
 */
export const clientTimed = ['/load/:ms', '/upload', '/files/:id'] as const;

/** Routes that refuse by design: /load answers 503 as soon as its burners are busy, which BurnersExhausted tells of. */
export const refusing = ['/load/:ms'] as const;

const except = (...routes: string[]) => `route!~"${routes.join('|')}"`;
const counted = except(...unserved, ...refusing);

/** Every answered request but those of `unserved` and `refusing`; bad is what the service itself could not do. */
const availability: Objective = {
  id: 'availability',
  target: 0.999,
  good: 'answered with a status below 500',
  failing: 'failed with a status of 500 or more',
  requests: (place, range) => perSecond(`http_request_duration_seconds_count${ofService(place, counted)}`, range),
  // Where there was no error yet, there is no series of errors: 0, or the share would have holes.
  bad: (place, range) =>
    `${perSecond(`http_request_duration_seconds_count${ofService(place, counted, failed)}`, range)} or 0 * ${availability.requests(place, range)}`,
};

/**
 * A percentile as a share of requests: "95 of 100 below 120 ms" can be added up over pods and days, a percentile cannot. Only what was
 * served counts: an error is quick, and a flood of 401 or 429 would make a slow service look well.
 */
function latency(target: (typeof latencyCeilings)[number]['quantile'], seconds: number): Objective {
  const served = (place: Place, metric: string, ...more: string[]) =>
    `${metric}${ofService(place, except(...unserved, ...clientTimed), 'status=~"[23].."', ...more)}`;
  const requests = (place: Place, range: string) =>
    perSecond(served(place, 'http_request_duration_seconds_count'), range);
  return {
    id: `latency-p${(100 * target) as 50 | 95 | 99}`,
    target,
    good: `served within ${seconds * 1000} ms`,
    failing: `took longer than ${seconds * 1000} ms`,
    requests,
    bad: (place, range) =>
      `clamp_min(${requests(place, range)} - ${perSecond(served(place, 'http_request_duration_seconds_bucket', `le="${plain(seconds)}"`), range)}, 0)`,
  };
}

/**
 * Ceilings of the answer time of half, 95 and 99 of 100 requests, in seconds: those of the second generation of this stack.
 * Each is the bound of a bucket of the service's histogram.
 */
export const latencyCeilings = [
  { quantile: 0.5, seconds: 0.045 },
  { quantile: 0.95, seconds: 0.12 },
  { quantile: 0.99, seconds: 0.25 },
] as const;

export const objectives: readonly Objective[] = [
  availability,
  ...latencyCeilings.map(({ quantile, seconds }) => latency(quantile, seconds)),
];

/** Share of the requests that may be bad. */
export const budgetOf = ({ target }: Pick<Objective, 'target'>): number => 1 - target;

export interface BurnWindow {
  /** How many times faster than allowed the budget goes. */
  factor: number;
  longSeconds: number;
  /** Also over this, so that the alert ends soon after its cause. */
  shortSeconds: number;
  severity: Severity;
}

const [minute, hour, day] = [60, 3600, 86_400];

/** Google, The Site Reliability Workbook, chapter 5, table 5-8. */
export const burnWindows: readonly BurnWindow[] = [
  { factor: 14.4, longSeconds: hour, shortSeconds: 5 * minute, severity: 'page' },
  { factor: 6, longSeconds: 6 * hour, shortSeconds: 30 * minute, severity: 'page' },
  { factor: 3, longSeconds: day, shortSeconds: 2 * hour, severity: 'ticket' },
  { factor: 1, longSeconds: 3 * day, shortSeconds: 6 * hour, severity: 'ticket' },
];

/** Those in which an objective can be missed at all: with a budget of half the requests nothing burns more than twice as fast. */
export const windowsOf = (objective: Objective): readonly BurnWindow[] =>
  burnWindows.filter(({ factor }) => factor * budgetOf(objective) < 1);
