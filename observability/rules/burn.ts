// Alerts on objectives: the budget of bad requests goes so fast that it will not last the month.
import { ofService } from '../selectors.ts';
import type { Alert, Times } from './model.ts';
import {
  type BurnWindow,
  budgetOf,
  fewestBad,
  type Objective,
  objectives,
  periodDays,
  windowsOf,
} from './objectives.ts';
import { recorded } from './recording.ts';
import { duration, plain } from './span.ts';

/** Such as LatencyP95BudgetGoneIn5Days. */
function nameOf({ id }: Objective, { factor }: BurnWindow): string {
  const subject = id
    .split('-')
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
    .join('');
  return `${subject}BudgetGoneIn${Math.floor(periodDays / factor)}Days`;
}

function burnAlert(objective: Objective, window: BurnWindow): Alert {
  const { id, failing, target } = objective;
  const { factor, longSeconds, shortSeconds, severity } = window;
  const threshold = plain(factor * budgetOf(objective));
  const days = Math.floor(periodDays / factor);
  const percent = (share: number) => `${plain(100 * share)} %`;
  return {
    name: nameOf(objective, window),
    severity,
    runbook: id === 'availability' ? 'Error rate high' : 'Latency high',
    summary: `The ${periodDays} days' budget of ${id} is gone in ${days} days at the present rate`,
    description: `{{ $value | humanizePercentage }} of the requests of the last ${duration(longSeconds)} ${failing}; the objective allows ${percent(1 - target)}.`,
    sources: ['service'],
    forSeconds: 0,
    expression(scope, times) {
      const series = (name: string) => `${name}${ofService(scope, `objective="${id}"`)}`;
      const over = (seconds: number) => `${series(recorded.badShare(seconds))} > ${threshold}`;
      return [over(longSeconds), over(shortSeconds), enough(series(recorded.bad), longSeconds, times)].join(
        ' and on (namespace, service, objective) ',
      );
    },
  };
}

/**
 * Each sample of a rate stands for the requests of one interval of the rules: their sum is what was counted. The average times the window
 * would be what a Prometheus of a few minutes supposes: one bad request in them, and so in every few minutes of the days before.
 */
function enough(badRate: string, windowSeconds: number, { span, intervalSeconds }: Times): string {
  return `sum_over_time(${badRate}[${span(windowSeconds)}]) * ${plain(intervalSeconds)} >= ${fewestBad}`;
}

export const burnAlerts: readonly Alert[] = objectives.flatMap((objective) =>
  windowsOf(objective).map((window) => burnAlert(objective, window)),
);
