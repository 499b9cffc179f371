// CloudWatch's data: nothing that AWS does not document, no panel without an answer, and filters that read the service's real lines.
import { readFileSync } from 'node:fs';
import type { AwsValues } from '../../config/aws-schema.ts';
import type { Environment } from '../../config/environment.ts';
import { environments } from '../../config/environments.ts';
import { alarms, describe as described } from '../../observability/cloudwatch/alarms/index.ts';
import { rowsOf } from '../../observability/cloudwatch/dashboard.ts';
import { documentedDimensions, documentedMetrics } from '../../observability/cloudwatch/documented-metrics.ts';
import { type Facts, factsOf } from '../../observability/cloudwatch/facts.ts';
import {
  type Chart,
  type Insights,
  metricsOf,
  type Search,
  searchText,
  type Widget,
} from '../../observability/cloudwatch/model.ts';
import { counterparts, overviewRows } from '../../observability/cloudwatch/overview.ts';
import { metricFilters } from '../../observability/cloudwatch/publisher.ts';
import { dashboards } from '../../observability/panels/index.ts';
import { latencyCeilings } from '../../observability/rules/objectives.ts';
import { ask } from '../support/client.ts';
import { matches, member } from '../support/filter-pattern.ts';
import type { LogLine } from '../support/service.ts';
import { sendUpload } from '../support/uploads.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, endWorld } from '../support/world.ts';

const inAws = environments.filter((each): each is Environment & { aws: AwsValues } => each.aws !== undefined);
const arn = 'arn:aws:acm:us-east-1:444455556666:certificate/of-a-test';
const places: [string, Facts][] = inAws.flatMap((environment): [string, Facts][] => [
  [environment.name, factsOf(environment)],
  [`${environment.name} with a certificate`, factsOf(environment, arn)],
]);
const overview = dashboards.filter(({ id }) => id === 'overview').flatMap(({ rows }) => rows);
const panels = overview.flatMap((row) => row.panels);
const isChart = (widget: Widget): widget is Chart => 'series' in widget;
const chartsOf = (facts: Facts) => rowsOf(facts).flatMap(({ widgets }) => widgets.filter(isChart));
const operations = readFileSync('docs/operations.md', 'utf8');
const kebab = /^[a-z0-9]+(-[a-z0-9]+)*$/;

describe.each(places)('CloudWatch in %s', (_, facts) => {
  const all = alarms(facts);

  it('O1 has a counterpart of every panel of the overview, or says why not; and nothing that is no panel', () => {
    const known = counterparts(facts);
    expect(Object.keys(known).sort()).toEqual(panels.map(({ id }) => id).sort());
    for (const [id, found] of Object.entries(known)) {
      if ('none' in found)
        expect({ id, reason: found.none }).toEqual({ id, reason: expect.stringMatching(/^.{20,}\.$/) });
    }
    const shown = overviewRows(overview, facts)[0]?.widgets.map(({ id }) => id);
    expect(shown).toEqual([
      'active-instances',
      'requests',
      'cpu',
      'latency',
      'health',
      'ready-share',
      'scale-events',
      'network',
    ]);
  });

  it('O1 refuses a panel that nobody has thought of', () => {
    const panel = { ...panels[0], id: 'a-new-one' } as (typeof panels)[number];
    expect(() => overviewRows([{ title: 'New', panels: [panel] }], facts)).toThrow(
      'The panel a-new-one has no counterpart',
    );
  });

  it('draws the thresholds of a panel across its chart, where it counts in the same unit and knows nothing better', () => {
    const linesOf = (id: string) => {
      const found = chartsOf(facts).find((each) => each.id === id);
      return found?.kind === 'lines' ? found.lines?.map(({ label, value }) => `${label} ${value}`) : undefined;
    };
    expect(linesOf('restarts')).toEqual(['warning 1', 'critical 3']);
    expect(linesOf('budget-burn')).toEqual(['warning 1', 'critical 14.4']);
    expect(linesOf('latency')).toEqual(['p50 at most 45', 'p95 at most 120', 'p99 at most 250']);
    expect(linesOf('network')).toBeUndefined();
    const restarts = panels.find(({ id }) => id === 'restarts') as (typeof panels)[number];
    const number = { ...restarts, kind: 'number' as const };
    expect(() => overviewRows([{ title: 'New', panels: [number] }], facts)).toThrow('is of number, its counterpart');
  });

  it('uses metrics that AWS documents with these dimensions, or that the filters publish', () => {
    const published = metricFilters(facts).map(({ metric }) => `${metric.namespace} ${metric.name}`);
    const used = [...chartsOf(facts).flatMap(({ series }) => series), ...all.map(({ measure }) => measure)];
    expect(used.length).toBeGreaterThan(60);
    for (const { namespace, name, dimensions } of [
      ...used.flatMap(metricsOf).map((metric) => ({ ...metric, dimensions: Object.keys(metric.dimensions) })),
      ...used.flatMap((each): (Search | Insights)[] =>
        'search' in each ? [each.search] : 'insights' in each ? [each.insights] : [],
      ),
    ]) {
      const key = [...dimensions].sort().join(' ');
      const sets = documentedDimensions(namespace, name)?.map((set) => [...set].sort().join(' '));
      const good = published.includes(`${namespace} ${name}`) ? key === '' : sets?.includes(key);
      expect({ namespace, name, key, good }).toEqual({ namespace, name, key, good: true });
    }
  });

  it('names every chart, and each series of it, once', () => {
    const ids = rowsOf(facts).flatMap(({ widgets }) => widgets.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id, series } of chartsOf(facts)) {
      const labels = series.map(({ label }) => label);
      expect({ id, labels: [...new Set(labels)] }).toEqual({ id, labels });
    }
  });

  it('writes expressions whose names are there, once in a chart, and searches that CloudWatch takes', () => {
    for (const { id, series } of chartsOf(facts)) {
      const names = series.flatMap((each) => ('math' in each ? Object.keys(each.math.of) : []));
      expect({ id, names: [...new Set(names)] }).toEqual({ id, names });
      for (const each of series) if ('search' in each) expect(searchText(each.search).length).toBeLessThan(1024);
    }
    const maths = [...chartsOf(facts).flatMap(({ series }) => series), ...all.map(({ measure }) => measure)].flatMap(
      (each) => ('math' in each ? [each.math] : []),
    );
    for (const { expression, of } of maths) {
      const named = new Set(expression.match(/\b[a-z]\w*\b/g));
      expect({ expression, named: [...named].sort() }).toEqual({ expression, named: Object.keys(of).sort() });
    }
  });

  it('O3 has alarms on CPU, memory, errors, latency, RDS, Redis and the load balancer, each thought through', () => {
    const names = all.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(
      expect.arrayContaining([
        ...['cpu-high', 'memory-high', 'error-rate-high', 'latency-p50-high', 'latency-p95-high', 'latency-p99-high'],
        ...['database-cpu-high-writer', 'database-storage-low-writer', 'database-connections-high-writer'],
        ...['database-memory-low-writer', 'redis-cpu-high-001', 'redis-memory-high-002', 'redis-evictions-001'],
        ...['redis-replication-lag-002', 'redis-connections-high-001', 'load-balancer-5xx', 'healthy-hosts-low'],
        ...(facts.database.reader === undefined ? [] : ['replica-lag-high', 'database-cpu-high-reader']),
        ...(facts.certificateArn === undefined ? [] : ['certificate-expires']),
      ]),
    );
    for (const alarm of all) {
      const { name, summary, runbook, because, missingBecause, periods, threshold } = alarm;
      expect(name).toMatch(kebab);
      expect(operations).toContain(`\n### ${runbook}\n`);
      for (const text of [summary, because, missingBecause]) expect(text).toMatch(/\.$/);
      expect(periods.bad).toBeLessThanOrEqual(periods.of);
      expect(Number.isFinite(threshold) && threshold > 0).toBe(true);
      expect(described(alarm)).toContain(`docs/operations.md#${runbook.toLowerCase().replaceAll(' ', '-')}`);
      // PutMetricAlarm takes 1024 characters.
      expect(described(alarm).length).toBeLessThan(1024);
    }
  });

  it('stays within what CloudWatch takes: a day of periods, 200 alarms on queries', () => {
    for (const { name, measure, periods } of all) {
      const lengths =
        'insights' in measure ? [measure.insights.periodSeconds] : metricsOf(measure).map((m) => m.periodSeconds);
      for (const length of lengths) expect({ name, fits: length * periods.of <= 86_400 }).toEqual({ name, fits: true });
      expect({ name, same: new Set(lengths).size }).toEqual({ name, same: 1 });
    }
    // CloudWatch user guide, "CloudWatch Metrics Insights service quotas": alarms of an account and region.
    expect(all.filter(({ measure }) => 'insights' in measure).length * inAws.length).toBeLessThan(200);
  });

  it('takes no quiet night for a replica that lags: idle, RDS reports up to five minutes', () => {
    const lag = all.find(({ name }) => name === 'replica-lag-high');
    expect(lag === undefined).toBe(facts.database.reader === undefined);
    const chart = chartsOf(facts).find(({ id }) => id === 'reader-lag');
    expect(chart?.kind === 'lines' && chart.lines?.map(({ value }) => value)).toEqual(lag ? [lag.threshold] : false);
    if (lag) expect(lag.threshold).toBeGreaterThan(300);
  });

  it('O7 holds the answer time against the ceilings of the objectives', () => {
    for (const { quantile, seconds } of latencyCeilings) {
      const found = all.find(({ name }) => name === `latency-p${quantile * 100}-high`);
      expect(found).toMatchObject({ threshold: seconds * 1000, bad: 'from', missing: 'notBreaching' });
    }
  });
});

it('every documented metric names its page, and is used', () => {
  const used = places.flatMap(([, facts]) =>
    [...chartsOf(facts).flatMap(({ series }) => series), ...alarms(facts).map(({ measure }) => measure)].flatMap(
      (each) => [
        ...metricsOf(each).map(({ namespace, name }) => `${namespace} ${name}`),
        ...('search' in each ? [`${each.search.namespace} ${each.search.name}`] : []),
        ...('insights' in each ? [`${each.insights.namespace} ${each.insights.name}`] : []),
      ],
    ),
  );
  for (const { page, namespace, names } of documentedMetrics) {
    expect(page).toMatch(/"[A-Z][^"]+"/);
    for (const name of names) expect(used).toContain(`${namespace} ${name}`);
  }
});

describe('the filters that publish the service’s metrics', () => {
  const [, facts] = places[0] as [string, Facts];
  let lines: LogLine[];
  /** As Fluent Bit of the add-on writes a line of this container. */
  const shipped = (line: LogLine, container = facts.service) => ({
    log: JSON.stringify(line),
    log_processed: line,
    kubernetes: { namespace_name: facts.namespace, container_name: container, pod_name: 'slipway-5d4f7-x2x9z' },
  });
  const filter = (id: string) => {
    const found = metricFilters(facts).find((each) => each.id === id);
    if (found === undefined) throw new Error(`no filter ${id}`);
    return found;
  };
  const counted = (id: string, of: readonly LogLine[]) =>
    of.filter((line) => matches(filter(id).pattern, shipped(line)));
  const routesOf = (id: string) => counted(id, lines).map(({ method, route }) => `${method} ${route}`);

  beforeAll(async () => {
    const world = await createWorld();
    const service = await world.start();
    const headers = { 'X-API-Key': world.adminKey };
    for (const path of ['/session', '/health', '/live', '/no/such/path']) await ask(`${service.url}${path}`);
    await ask(`${service.url}/files`);
    await ask(`${service.url}/load/20`, { headers });
    const { body } = await sendUpload(
      service.url,
      { ...headers, 'Content-Disposition': 'attachment; filename="a"' },
      'bytes',
    );
    await ask(`${service.url}${body.url}`, { headers });
    const access = () => service.logs.filter(({ event }) => event === 'access');
    await waitFor('the access lines', async () => access().length >= 8);
    lines = service.logs;
  });
  afterAll(endWorld);

  it('count every access line, and nothing else', () => {
    expect(counted('access-lines', lines)).toEqual(lines.filter(({ event }) => event === 'access'));
    const [line] = lines.filter(({ event }) => event === 'access') as [LogLine];
    expect(matches(filter('access-lines').pattern, shipped(line, 'nginx'))).toBe(false);
  });

  it('count as requests what people ask for: no probe, no unknown path', () => {
    expect(routesOf('requests').sort()).toEqual([
      'GET /files',
      'GET /files/:id',
      'GET /load/:ms',
      'GET /session',
      'POST /upload',
    ]);
  });

  it('take the time of what was served, and was not the client’s', () => {
    expect(routesOf('request-duration')).toEqual(['GET /session']);
    const [line] = counted('request-duration', lines);
    const value = member(shipped(line as LogLine), filter('request-duration').metric.value.replace('$.', ''));
    expect(value).toEqual(line?.durationMs);
    expect(Number(value)).toBeGreaterThan(0);
    expect(filter('request-duration').pattern).toContain(filter('request-duration').metric.value);
  });

  it('count as errors of the service what it answered with 5xx', () => {
    expect(counted('server-errors', lines)).toEqual([]);
    const [line] = counted('requests', lines) as [LogLine];
    const answered = (...statuses: number[]) => statuses.map((status) => ({ ...line, status }));
    expect(counted('server-errors', answered(499, 501, 503))).toEqual(answered(503));
  });

  it('count against availability neither good nor refused what is refused by design', () => {
    expect(routesOf('counted-requests')).toEqual(routesOf('requests').filter((route) => route !== 'GET /load/:ms'));
    const load = lines.find(({ route }) => route === '/load/:ms') as LogLine;
    expect(counted('server-errors', [{ ...load, status: 503 }])).toEqual([]);
    expect(JSON.stringify(alarms(facts).find(({ name }) => name === 'error-rate-high')?.measure)).toContain(
      filter('counted-requests').metric.name,
    );
  });
});
