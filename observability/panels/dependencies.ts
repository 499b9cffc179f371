// Rate, errors and duration of what the service depends on, as it sees them itself.
import type { Panel } from '../model.ts';
import { ofService } from '../selectors.ts';
import { quantile } from './quantile.ts';

const calls = 'dependency_request_duration_seconds';

export interface Dependency {
  /** Value of the label `dependency`, and the first word of the ids. */
  label: 'redis' | 'postgres' | 'objects';
  /** What people call it within a sentence. */
  name: string;
  /** From this duration of 95 of 100 calls on, in seconds, the panel is coloured. */
  slowSeconds: number;
}

/** @returns panels for the rate, the errors and the duration of calls, by operation */
export function dependencyPanels({ label, name, slowSeconds }: Dependency): Panel[] {
  const noData = `No call to ${name} in this time, or the service is not scraped.`;
  const own = `dependency="${label}"`;
  const title = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  return [
    {
      id: `${label}-rate`,
      title: `${title}: calls`,
      question: `How often does the service call ${name}, and for what?`,
      kind: 'lines',
      unit: 'per-second',
      noData,
      queries: [
        {
          legend: '{{operation}}',
          source: 'service',
          expression: (scope) => `sum by (operation) (rate(${calls}_count${ofService(scope, own)}[${scope.range}]))`,
        },
      ],
    },
    {
      id: `${label}-errors`,
      title: `${title}: failed calls`,
      question: `What share of its calls to ${name} fails or takes too long?`,
      kind: 'lines',
      unit: 'ratio',
      thresholds: [
        { value: 0.001, severity: 'warning' },
        { value: 0.01, severity: 'critical' },
      ],
      noData,
      queries: [
        {
          legend: '{{operation}}',
          source: 'service',
          expression: (scope) => {
            const rate = (...more: string[]) =>
              `sum by (operation) (rate(${calls}_count${ofService(scope, own, ...more)}[${scope.range}]))`;
            return `(${rate('outcome="error"')} or 0 * ${rate()}) / (${rate()} > 0)`;
          },
        },
      ],
    },
    {
      id: `${label}-duration`,
      title: `${title}: duration, p95`,
      question: `Is ${name} slow, or the service itself?`,
      kind: 'lines',
      unit: 'seconds',
      thresholds: [{ value: slowSeconds, severity: 'warning' }],
      noData,
      queries: [
        {
          legend: '{{operation}}',
          source: 'service',
          expression: (scope) => quantile(0.95, ['operation'], calls, ofService(scope, own), scope),
        },
      ],
    },
  ];
}
