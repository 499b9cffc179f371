import { level } from '../../local/observe/page/units.ts';
import type { Panel, PromQuery, Scope } from '../../observability/model.ts';
import { dashboards } from '../../observability/panels/index.ts';
import { panelTable } from '../../observability/panels/table.ts';
import { machineScope, ruleGroups } from '../../observability/rules/index.ts';
import { latencyCeilings, objectives } from '../../observability/rules/objectives.ts';

const panels: Panel[] = dashboards.flatMap(({ rows }) => rows.flatMap((row) => [...row.panels]));
const queries: [string, PromQuery][] = panels.flatMap(({ id, queries: each }) =>
  each.map((query): [string, PromQuery] => [`${id}, ${query.legend}`, query]),
);
const scope: Scope = { namespace: 'the-namespace', service: 'the-service', range: '7m' };
const kebab = /^[a-z0-9]+(-[a-z0-9]+)*$/;

describe('the panels', () => {
  it('are told apart by ids in kebab case', () => {
    const ids = [...dashboards.map(({ id }) => id), ...panels.map(({ id }) => id)];
    expect(ids.filter((id) => !kebab.test(id))).toEqual([]);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(dashboards.map(({ id }) => id)).size).toBe(dashboards.length);
  });

  it.each(panels)('$id says what it is, what it answers and what no data means', (panel) => {
    expect(panel.title).toMatch(/^[A-Z]/);
    expect(panel.question).toMatch(/\?/);
    expect(`${panel.question} ${panel.noData}`).not.toMatch(/[a-z] The /);
    expect(panel.noData).toMatch(/^[A-Z].{10,}\.$/);
    expect(panel.queries.length).toBeGreaterThan(0);
    expect(new Set(panel.queries.map(({ legend }) => legend)).size).toBe(panel.queries.length);
  });

  it('call nothing well that may also be a loss', () => {
    expect(panels.filter(({ mayBeEmpty }) => mayBeEmpty).map(({ id }) => id)).toEqual(['refusals']);
  });

  it('open with what a person must see at a glance, in this order', () => {
    expect(dashboards[0]?.rows[0]?.panels.map(({ id }) => id)).toEqual([
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

  it('go on with a row each for routes, the stores, the runtime and scaling', () => {
    const rows = dashboards[0]?.rows.slice(1) ?? [];
    expect(rows.map(({ title }) => title)).toEqual([
      'Objectives',
      'Routes: rate, errors, duration',
      'Redis: sessions and rate limits',
      'PostgreSQL: pools and queries',
      'Object store',
      'Node runtime',
      'Rollout and autoscaling',
    ]);
  });

  it('are red with one of ten pods ready, yellow with nine, green with all', () => {
    const coloured = panels.find(({ id }) => id === 'ready-share');
    expect([0.1, 0.9, 1].map((share) => level([share], coloured?.thresholds))).toEqual(['critical', 'warning', 'ok']);
    expect(coloured?.queries.map(({ expression }) => expression(scope))).toEqual([
      expect.stringMatching(
        /^max\(kube_deployment_status_replicas_ready\{.*\) \/ \(max\(kube_deployment_spec_replicas\{.* > 0\)$/,
      ),
    ]);
    // Of two numbers in one panel no threshold knows which is which.
    expect(panels.find(({ id }) => id === 'health')?.thresholds).toBeUndefined();
  });

  it('show the budget of each objective, from the series that the alerts are made of', () => {
    const written = ruleGroups(machineScope('slipway'))
      .flatMap(({ rules }) => rules)
      .flatMap((rule) => ('record' in rule ? [rule.record] : []));
    for (const id of ['budget-used', 'budget-burn']) {
      const shown = panels.find((each) => each.id === id)?.queries ?? [];
      expect(shown.map(({ legend }) => legend)).toEqual(objectives.map((objective) => objective.id));
      for (const { expression } of shown)
        expect(written).toContain(/^max\((service:slo_bad:ratio_rate\w+)\{/.exec(expression(scope))?.[1]);
    }
  });

  it('hold the answer time against 45, 120 and 250 ms', () => {
    expect(latencyCeilings.map(({ seconds }) => seconds)).toEqual([0.045, 0.12, 0.25]);
    const promised = objectives.map(({ good }) => good).filter((good) => good.includes('ms'));
    expect(promised).toEqual(latencyCeilings.map(({ seconds }) => `served within ${seconds * 1000} ms`));
    const latency = panels.find(({ id }) => id === 'latency');
    expect(latency?.queries.map(({ legend }) => legend)).toEqual(['p50', 'p95', 'p99']);
    expect(latency?.thresholds?.map(({ value }) => value)).toEqual([0.045, 0.12, 0.25]);
  });

  it.each(queries)('%s asks for nothing but the scope that it is given', (_, { expression }) => {
    const text = expression(scope);
    // Each selector of series names the namespace and the service, in one label or another.
    const selectors = text.match(/\{[^}]*\}/g) ?? [];
    expect(selectors.length).toBeGreaterThan(0);
    expect(selectors.filter((each) => !each.includes('namespace="the-namespace"'))).toEqual([]);
    expect(text).toContain('="the-service"');
    expect(text).not.toContain('slipway');
  });

  it.each(queries)('%s takes its rates over the range of the scope', (_, { expression }) => {
    const ranges = [...expression(scope).matchAll(/\brate\(\w+\{[^}]*\}\[([^\]]*)\]/g)].map(([, range]) => range);
    expect(ranges.filter((range) => range !== '7m')).toEqual([]);
  });
});

describe('the table of panels', () => {
  const table = panelTable(dashboards);

  it('has a line for each panel, with its sources', () => {
    for (const { title, question } of panels) expect(table).toContain(`| ${title} | ${question} |`);
    expect(table.split('\n').filter((line) => line !== '' && line.split(/(?<!\\)\|/).length !== 6)).toEqual([]);
  });

  it('names what no test runs, and why', () => {
    const notRun = queries.filter(([, { notRun: reason }]) => reason !== undefined);
    expect(table.match(/not run here: /g) ?? []).toHaveLength(notRun.length);
    for (const [, { notRun: reason }] of notRun) expect(table).toContain(reason);
  });
});
