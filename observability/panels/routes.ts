// Rate, errors and duration of each route.
import type { Row } from '../model.ts';
import { latencyCeilings } from '../rules/objectives.ts';
import { failed, ofService, traffic } from '../selectors.ts';
import { quantile } from './quantile.ts';

const requests = 'http_request_duration_seconds';
const [, p95] = latencyCeilings;
const noTraffic = 'No request in this time, or the service is not scraped.';

export const routesRow: Row = {
  title: 'Routes: rate, errors, duration',
  panels: [
    {
      id: 'route-rate',
      title: 'Requests by route',
      question: 'Which routes are asked for, and how often?',
      kind: 'lines',
      unit: 'per-second',
      noData: noTraffic,
      queries: [
        {
          legend: '{{method}} {{route}}',
          source: 'service',
          expression: (scope) =>
            `sum by (method, route) (rate(${requests}_count${ofService(scope, traffic)}[${scope.range}]))`,
        },
      ],
    },
    {
      id: 'route-errors',
      title: 'Failed requests by route',
      question: 'What share of the requests of each route does the service fail to answer (status 5xx but 501)?',
      kind: 'lines',
      unit: 'ratio',
      thresholds: [
        { value: 0.001, severity: 'warning' },
        { value: 0.01, severity: 'critical' },
      ],
      noData: noTraffic,
      queries: [
        {
          legend: '{{route}}',
          source: 'service',
          // A route without failures has no series of status 5xx: it fails 0 times.
          expression: (scope) => {
            const rate = (...more: string[]) =>
              `sum by (route) (rate(${requests}_count${ofService(scope, traffic, ...more)}[${scope.range}]))`;
            return `(${rate(failed)} or 0 * ${rate()}) / (${rate()} > 0)`;
          },
        },
      ],
    },
    {
      id: 'route-duration',
      title: 'Answer time by route: p95',
      question: 'Which route is slow? /load takes as long as it is told, an upload as long as its sender.',
      kind: 'lines',
      unit: 'seconds',
      thresholds: [{ value: p95.seconds, severity: 'warning' }],
      noData: noTraffic,
      queries: [
        {
          legend: '{{route}}',
          source: 'service',
          expression: (scope) => quantile(0.95, ['route'], requests, ofService(scope, traffic), scope),
        },
      ],
    },
    {
      id: 'refusals',
      title: 'Refused requests by status',
      question:
        'What does the service refuse: 401 without a key, 403 without its scope, 422 bad input, 429 too many, 501 an unknown method?',
      kind: 'lines',
      unit: 'per-second',
      noData: 'Nothing was refused.',
      mayBeEmpty: true,
      queries: [
        {
          legend: '{{status}}',
          source: 'service',
          expression: (scope) =>
            `sum by (status) (rate(${requests}_count${ofService(scope, 'status=~"4..|501"')}[${scope.range}])) > 0`,
        },
        {
          legend: 'before a route: {{code}}',
          source: 'service',
          expression: (scope) =>
            `sum by (code) (rate(http_requests_refused_total${ofService(scope)}[${scope.range}])) > 0`,
        },
      ],
    },
  ],
};
