// For each alert on an objective: requests of which so many are bad for so long.
import {
  type BurnWindow,
  budgetOf,
  fewestBad,
  type Objective,
  objectives,
  windowsOf,
} from '../../../observability/rules/objectives.ts';
import { place } from './cases.ts';
import { counterValues, type Series, sampleSeconds } from './timeline.ts';

/** Requests of which a share is bad, one stretch after the other. */
interface BadStretch {
  minutes: number;
  share: number;
  perMinute: number;
}

export interface BurnTest {
  what: string;
  series: readonly Series[];
  stepSeconds: number;
  evaluationSeconds: number;
  /** Minutes after which it must fire, and must not. */
  firing: readonly number[];
  quiet: readonly number[];
}

export interface BurnCase {
  objective: Objective;
  window: BurnWindow;
  tests: readonly BurnTest[];
}

const labels = `namespace="${place.namespace}",service="${place.service}",pod="slipway-1",method="GET",route="/session"`;
/** At least two samples in the 5 minutes of a rate; fewer where there are days of them. */
const stepOf = ({ shortSeconds }: BurnWindow) => (shortSeconds < 7200 ? 60 : 150);

/** What the service would show: errors as another status, slow ones as missing from the bucket. */
function requests({ id }: Objective, stretches: readonly BadStretch[], stepSeconds: number): Series[] {
  const growth = (of: (share: number) => number) =>
    counterValues(
      stretches.map(({ minutes, share, perMinute }) => ({
        minutes,
        value: Number((perMinute * of(share)).toFixed(6)),
      })),
      stepSeconds,
    );
  const count = `http_request_duration_seconds_count{${labels}`;
  const good = growth((share) => 1 - share);
  if (id === 'availability')
    return [
      { series: `${count},status="200"}`, values: good },
      { series: `${count},status="500"}`, values: growth((share) => share) },
      // Probes are always good, and must not hide it; what is refused by design is always bad, and must not matter.
      { series: `${count.replace('/session', '/health')},status="200"}`, values: growth(() => 50) },
      { series: `${count.replace('/session', '/load/:ms')},status="503"}`, values: growth(() => 50) },
    ];
  const bound = { 'latency-p50': '0.045', 'latency-p95': '0.12', 'latency-p99': '0.25' }[id];
  return [
    { series: `${count},status="200"}`, values: growth(() => 1) },
    { series: `http_request_duration_seconds_bucket{${labels},status="200",le="${bound}"}`, values: good },
    // As long as the client takes: no matter.
    { series: `${count.replace('/session', '/upload')},status="201"}`, values: growth(() => 50) },
  ];
}

function burnCase(objective: Objective, window: BurnWindow): BurnCase {
  const threshold = window.factor * budgetOf(objective);
  const [long, short] = [window.longSeconds / 60, window.shortSeconds / 60];
  // Twice too many where that is possible, else half-way to all.
  const bad = Math.min(2 * threshold, (1 + threshold) / 2);
  /** After this share of the long window the whole of it is over the threshold. */
  const needed = threshold / bad;
  const stepSeconds = stepOf(window);
  const evaluationSeconds = Math.max(60, window.shortSeconds / 30);
  /** The last evaluation by then: between two of them more than 5 minutes apart a query finds nothing. */
  const evaluated = (minute: number) => Math.floor((minute * 60) / evaluationSeconds) * (evaluationSeconds / 60);
  const firesFrom = long + needed * long;
  const end = 2.1 * long;
  const few = (0.8 * fewestBad) / (bad * long);
  const test = (
    what: string,
    stretches: Omit<BadStretch, 'perMinute'>[],
    firing: number[],
    quiet: number[],
    perMinute = 600,
  ) => ({
    what,
    series: requests(
      objective,
      stretches.map((stretch) => ({ ...stretch, perMinute })),
      stepSeconds,
    ),
    stepSeconds,
    evaluationSeconds,
    firing: firing.map(evaluated),
    quiet: quiet.map(evaluated),
  });
  /** What is known is minutes old: sampled and evaluated as it really is. */
  const young = (what: string, stretches: BadStretch[], firing: number[], quiet: number[]) => ({
    what,
    series: requests(objective, stretches, sampleSeconds),
    stepSeconds: sampleSeconds,
    evaluationSeconds: 30,
    firing,
    quiet,
  });
  return {
    objective,
    window,
    tests: [
      test(
        'fires when the long window has gone bad, and ends with the short one',
        [
          { minutes: long, share: 0 },
          { minutes: end - long, share: bad },
          { minutes: short + 30, share: 0 },
        ],
        [firesFrom + 0.1 * long, end - 1],
        [long / 2, firesFrom - 0.1 * long, end + short + 15],
      ),
      test(
        'is quiet a fifth below its threshold',
        [{ minutes: 1.2 * long, share: 0.8 * threshold }],
        [],
        [short, long, 1.15 * long],
      ),
      test(
        'is quiet when only the short window is bad',
        [
          { minutes: long, share: 0 },
          { minutes: short, share: bad },
          { minutes: 30, share: 0 },
        ],
        [],
        [long + short / 2, long + short - 1, long + short + 10],
      ),
      test(
        `is quiet below ${fewestBad} bad requests`,
        [{ minutes: 1.2 * long, share: bad }],
        [],
        [long, 1.15 * long],
        few,
      ),
      young(
        'is quiet when the only request of a young Prometheus was bad',
        [
          { minutes: 1, share: 1, perMinute: 1 },
          { minutes: 9, share: 0, perMinute: 0 },
        ],
        [],
        [2, 4, 5, 8],
      ),
      young(
        'fires when all requests of a young Prometheus are bad',
        [{ minutes: 12, share: 1, perMinute: 6 }],
        [10],
        [1],
      ),
    ],
  };
}

export const burnCases: readonly BurnCase[] = objectives.flatMap((objective) =>
  windowsOf(objective).map((window) => burnCase(objective, window)),
);
