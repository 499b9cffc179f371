import { dashboardJson, dashboardLabel, layout, uidOf } from '../../k8s/constructs/grafana-dashboard.ts';
import { steps } from '../../k8s/constructs/grafana-panel.ts';
import type { Dashboard, Panel } from '../../observability/model.ts';
import { dashboards } from '../../observability/panels/index.ts';
import { grafanaFaults, type JsonDashboard, type JsonPanel } from './support/grafana.ts';
import { committed, environmentNames, type Manifest } from './support/manifests.ts';

type ConfigMap = Manifest & { data: Record<string, string> };

/** The API server takes no ConfigMap above 1 MiB, and kubectl keeps what it applies in an annotation of at most 256 KiB. */
const maxBytes = 200 * 1024;

const maps = (environment: string) =>
  committed(environment).filter(({ metadata }) => metadata.labels?.grafana_dashboard !== undefined) as ConfigMap[];
const contents = (environment: string) =>
  maps(environment).map(({ data }) => JSON.parse(Object.values(data)[0] as string) as JsonDashboard);
const drawn = (dashboard: JsonDashboard) => dashboard.panels.filter(({ type }) => type !== 'row');
const ofModel = ({ rows }: Dashboard): Panel[] => rows.flatMap(({ panels }) => [...panels]);

describe.each(environmentNames)('the dashboards of %s', (environment) => {
  const all = contents(environment);
  const panels = all.flatMap(drawn);

  it('are a ConfigMap each, beside the service, with the label that the sidecar looks for', () => {
    expect(maps(environment).map(({ metadata }) => metadata.name)).toEqual(
      dashboards.map(({ id }) => `slipway-dashboard-${id}`),
    );
    for (const { metadata, data } of maps(environment)) {
      expect(metadata).toMatchObject({ namespace: 'slipway', labels: dashboardLabel });
      expect(Object.keys(data)).toHaveLength(1);
      expect(Object.keys(data)[0]).toMatch(/^[-.\w]+\.json$/);
      expect(Buffer.byteLength(JSON.stringify(data))).toBeLessThan(maxBytes);
    }
  });

  it('are what the schema of Grafana knows', () => {
    expect(all.flatMap(grafanaFaults)).toEqual([]);
  });

  it('hold every panel and every query of the model', () => {
    expect(all.map((each) => drawn(each).map(({ title }) => title))).toEqual(
      dashboards.map((each) => ofModel(each).map(({ title }) => title)),
    );
    const scope = { namespace: '$namespace', service: '$service', range: '$__rate_interval' };
    expect(panels.map(({ targets }) => targets?.map(({ expr }) => expr))).toEqual(
      dashboards.flatMap(ofModel).map(({ queries }) => queries.map(({ expression }) => expression(scope))),
    );
  });

  it('say of each panel its unit, the question that it answers, and what no data means', () => {
    const incomplete = panels.filter(
      ({ title, description, fieldConfig }) =>
        !title || !description || !fieldConfig?.defaults.unit || !fieldConfig.defaults.noValue,
    );
    expect(incomplete.map(({ title }) => title)).toEqual([]);
  });

  it('tell panels and queries apart', () => {
    for (const { panels: each } of all) expect(new Set(each.map(({ id }) => id)).size).toBe(each.length);
    for (const { targets = [] } of panels) {
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    }
    expect(new Set(all.map(({ uid }) => uid)).size).toBe(all.length);
  });

  it('lay no panel over another, nor beyond the grid of 24 columns', () => {
    for (const dashboard of all) {
      const cells = dashboard.panels.flatMap(cellsOf);
      expect(cells.length).toBeGreaterThan(0);
      expect(new Set(cells).size).toBe(cells.length);
      expect(dashboard.panels.filter(({ gridPos: { x, w } }) => x < 0 || x + w > 24)).toEqual([]);
    }
  });

  it('name no data source: a person chooses it, the namespace and the service', () => {
    for (const { templating } of all) {
      expect(templating.list.map(({ name, type }) => [name, type])).toEqual([
        ['datasource', 'datasource'],
        ['namespace', 'query'],
        ['service', 'query'],
      ]);
    }
    const sources = JSON.stringify(all).match(/"datasource":\{[^}]*\}/g) ?? [];
    expect(new Set(sources)).toEqual(new Set(['"datasource":{"type":"prometheus","uid":"$datasource"}']));
  });
});

const cellsOf = ({ gridPos: { x, y, w, h } }: JsonPanel) =>
  Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`);

describe('the check against the schema of Grafana', () => {
  const [model] = dashboards;
  const names = { uid: 'x', namespace: 'n', service: 's' };
  const dashboard = JSON.parse(JSON.stringify(dashboardJson(model as Dashboard, names))) as JsonDashboard;
  const sound = drawn(dashboard)[0] as JsonPanel;
  type Parts = Record<string, Record<string, unknown>>;
  const spoiling: [string, (panel: Parts) => unknown, RegExp][] = [
    ['a field of the panel that is misspelt', (panel) => Object.assign(panel, { descripton: '' }), /"descripton"/],
    [
      'a unit that is no text',
      ({ fieldConfig }) => Object.assign(fieldConfig?.defaults as object, { unit: 1 }),
      /'number'/,
    ],
    ['an unknown option', ({ options }) => Object.assign(options as object, { graphMod: 'none' }), /"graphMod"/],
    [
      'an option with an unknown value',
      ({ options }) => Object.assign(options as object, { textMode: 'big' }),
      /"big"/,
    ],
    ['a query with an unknown field', ({ targets }) => Object.assign(targets?.[0] as object, { exp: 'up' }), /"exp"/],
    ['a panel of a type that we do not draw', (panel) => Object.assign(panel, { type: 'gauges' }), /no type gauges/],
  ];
  const panels = spoiling.map(([, spoil], id) => {
    const panel = structuredClone({ ...sound, id });
    spoil(panel as never);
    return panel;
  });
  // Compiled once: that takes a second or two.
  let faults: string[];
  beforeAll(() => {
    faults = grafanaFaults({ ...dashboard, panels });
  });

  it.each(spoiling)('finds %s', (_, __, said) => {
    expect(faults.filter((each) => said.test(each))).toHaveLength(1);
  });

  it('finds nothing else', () => {
    expect(faults).toHaveLength(spoiling.length);
  });
});

describe('thresholds', () => {
  it('colour from a value on', () => {
    const critical = { value: 9, severity: 'critical' } as const;
    expect(steps('any', [critical, { value: 5, severity: 'warning' }])).toEqual([
      { value: null, color: 'green' },
      { value: 5, color: 'orange' },
      { value: 9, color: 'red' },
    ]);
  });

  it('colour below a value', () => {
    const thresholds = [
      { value: 2, severity: 'warning', below: true },
      { value: 1, severity: 'critical', below: true },
    ] as const;
    expect(steps('any', thresholds)).toEqual([
      { value: null, color: 'red' },
      { value: 1, color: 'orange' },
      { value: 2, color: 'green' },
    ]);
  });

  it('of both directions are refused by the name of the panel', () => {
    const thresholds = [
      { value: 2, severity: 'warning', below: true },
      { value: 9, severity: 'critical' },
    ] as const;
    expect(() => steps('a-panel', thresholds)).toThrow('the panel a-panel has thresholds of both directions');
  });
});

it.each([
  [1, ['0,1 24']],
  [3, ['0,1 8', '8,1 8', '16,1 8']],
  [5, ['0,1 8', '8,1 8', '16,1 8', '0,9 12', '12,9 12']],
  [7, ['0,1 6', '6,1 6', '12,1 6', '18,1 6', '0,9 8', '8,9 8', '16,9 8']],
])('%i panels fill their lines', (count, places) => {
  expect(layout(count, 1).map(({ x, y, w }) => `${x},${y} ${w}`)).toEqual(places);
});

it('an id that is too long for Grafana is cut, and stays one of its own', () => {
  const long = 'a-namespace-with-a-name-of-forty-letters-service-overview';
  expect(uidOf('slipway-overview')).toBe('slipway-overview');
  expect(uidOf(long)).toHaveLength(40);
  expect(uidOf(long)).not.toBe(uidOf(`${long}2`));
});
