// The body of the CloudWatch dashboard. Source: CloudWatch API reference, "Dashboard body structure and syntax".
import { dashboards } from '../panels/index.ts';
import { alarmName, alarms } from './alarms/index.ts';
import type { Facts } from './facts.ts';
import {
  type Chart,
  type CloudWatchUnit,
  type LogTable,
  type Metric,
  type Series,
  searchText,
  type WidgetRow,
} from './model.ts';
import { leftOut, overviewRows } from './overview.ts';
import { awsRows } from './rows.ts';

/** The grid of CloudWatch, in columns. */
const columns = 24;
const chartSize = { width: 6, height: 6 };
const tableSize = { width: 12, height: 6 };
/** A line of the questions above a row takes about half a unit. */
const linesPerUnit = 2;

interface Placed {
  type: 'metric' | 'log' | 'text' | 'alarm';
  x: number;
  y: number;
  width: number;
  height: number;
  properties: Record<string, unknown>;
}

export interface DashboardBody {
  start: string;
  /** `inherit` keeps the periods of the metrics: sums are per minute in any range. */
  periodOverride: 'inherit';
  widgets: Placed[];
}

const unitNames: Readonly<Record<CloudWatchUnit, string>> = {
  count: '',
  'per-second': 'per second',
  'per-minute': 'per minute',
  seconds: 'seconds',
  ratio: 'share of 1',
  bytes: 'bytes',
  'bytes-per-second': 'bytes per second',
  cores: 'cores',
  milliseconds: 'milliseconds',
  percent: 'percent',
};

type Entry = (string | Record<string, unknown>)[];

const metricEntry = ({ namespace, name, dimensions, statistic, periodSeconds }: Metric, options: object): Entry => [
  namespace,
  name,
  ...Object.entries(dimensions).flat(),
  { stat: statistic, period: periodSeconds, ...options },
];

/** @param index of the series in its widget, for the ids of expressions */
function entries(series: Series, index: number): Entry[] {
  const { label } = series;
  if ('metric' in series) return [metricEntry(series.metric, { label })];
  if ('search' in series) return [[{ expression: searchText(series.search), label, id: `s${index}` }]];
  const { expression, of } = series.math;
  const [first] = Object.values(of);
  return [
    ...Object.entries(of).map(([id, metric]) => metricEntry(metric, { id, visible: false })),
    [{ expression, label, id: `e${index}`, period: first?.periodSeconds }],
  ];
}

const chart = (of: Chart, region: string): Record<string, unknown> => ({
  title: of.title,
  region,
  metrics: of.series.flatMap(entries),
  ...(of.kind === 'number'
    ? { view: 'singleValue', sparkline: true }
    : {
        view: 'timeSeries',
        yAxis: { left: { min: 0, label: unitNames[of.unit], showUnits: false } },
        ...(of.lines === undefined ? {} : { annotations: { horizontal: of.lines } }),
      }),
  ...(of.lastHours === undefined ? {} : { start: `-PT${of.lastHours}H`, end: 'P0D' }),
});

const table = ({ title, logGroup, query }: LogTable, region: string): Record<string, unknown> => ({
  title,
  region,
  view: 'table',
  query: `SOURCE '${logGroup}' | ${query.join(' | ')}`,
});

/** One row below the other, each headed by the questions that it answers. */
function place(rows: readonly WidgetRow[], region: string): Placed[] {
  const placed: Placed[] = [];
  let y = 0;
  const head = (markdown: string, lines: number) => {
    const height = 1 + Math.ceil(lines / linesPerUnit);
    placed.push({ type: 'text', x: 0, y, width: columns, height, properties: { markdown } });
    y += height;
  };
  for (const { title, widgets } of rows) {
    head(
      [`## ${title}`, ...widgets.map((each) => `**${each.title}** ${each.question}`)].join('\n\n'),
      widgets.length + 1,
    );
    let x = 0;
    for (const widget of widgets) {
      const isTable = 'query' in widget;
      const { width, height } = isTable ? tableSize : chartSize;
      if (x + width > columns) {
        x = 0;
        y += height;
      }
      const properties = isTable ? table(widget, region) : chart(widget, region);
      placed.push({ type: isTable ? 'log' : 'metric', x, y, width, height, properties });
      x += width;
    }
    y += chartSize.height;
  }
  return placed;
}

const alarmArn = (facts: Facts, name: string) => `arn:aws:cloudwatch:${facts.region}:${facts.accountId}:alarm:${name}`;

/** All rows: those of the Grafana overview, then what only CloudWatch sees. */
export const rowsOf = (facts: Facts): WidgetRow[] => [
  ...overviewRows(
    dashboards.filter(({ id }) => id === 'overview').flatMap(({ rows }) => rows),
    facts,
  ),
  ...awsRows(facts),
];

export function dashboardBody(facts: Facts): DashboardBody {
  const widgets = place(rowsOf(facts), facts.region);
  const y = Math.max(...widgets.map((each) => each.y + each.height));
  return {
    start: '-PT3H',
    periodOverride: 'inherit',
    widgets: [
      ...widgets,
      {
        type: 'alarm',
        x: 0,
        y,
        width: columns,
        height: 8,
        properties: { title: 'Alarms', alarms: alarms(facts).map((alarm) => alarmArn(facts, alarmName(facts, alarm))) },
      },
      {
        type: 'text',
        x: 0,
        y: y + 8,
        width: columns,
        height: 2,
        properties: {
          markdown: `Answer times are made of the service's access lines, without ${leftOut.join(', ')}. Calls to the stores, pools and the Node runtime are in Grafana.`,
        },
      },
    ],
  };
}
