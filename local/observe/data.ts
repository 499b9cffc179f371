// Everything that the page shows at one moment, asked of Prometheus.
import type { Dashboard, Panel, PromQuery } from '../../observability/model.ts';
import { check, type Watched } from './check.ts';
import type { AlertView, Data, Model, PanelData, PanelView, RangeMinutes, Series } from './page/shapes.ts';
import type { PrometheusApi } from './prometheus-api.ts';

const points = 180;
/** Queries that run at once: Prometheus serves 20, and others ask it too. */
const parallel = 4;
const maxSeries = 40;

export interface Source extends Watched {
  api: PrometheusApi;
  dashboards: readonly Dashboard[];
  /** Whether the series of this source are scraped by this Prometheus. */
  has(source: PromQuery['source']): boolean;
  /** Names of the alerts that are about the service. */
  alertNames: ReadonlySet<string>;
  /** Between two scrapes. */
  scrapeSeconds: number;
}

/** The panels without their queries. */
export function model({ api, namespace, service, dashboards, has }: Source): Model {
  const panelView = ({ queries, ...panel }: Panel): PanelView => ({
    ...panel,
    elsewhere: queries.some(({ source }) => has(source)) ? [] : [...new Set(queries.map(({ source }) => source))],
  });
  return {
    namespace,
    service,
    prometheus: api.url,
    dashboards: dashboards.map((dashboard) => ({
      ...dashboard,
      rows: dashboard.rows.map((row) => ({ ...row, panels: row.panels.map(panelView) })),
    })),
  };
}

export async function collect(source: Source, minutes: RangeMinutes): Promise<Data> {
  const { api } = source;
  const { usable, now, findings } = await check(api, source);
  const server = Date.now() / 1000;
  const step = (minutes * 60) / points;
  // On whole steps, so that the same moments are asked for again and lines do not wobble.
  const end = Math.floor(now / step) * step;
  const times = Array.from({ length: points + 1 }, (_, index) => end - (points - index) * step);
  if (!usable) return { now, server, findings, alerts: null, times, panels: {} };

  const panels = source.dashboards.flatMap(({ rows }) => rows.flatMap((row) => row.panels));
  const found: Record<string, PanelData> = {};
  const waiting = panels.filter(({ queries }) => queries.some((query) => source.has(query.source)));
  // A rate over less than a step would leave out what happened between two points, and one over few scrapes has holes.
  const range = `${Math.max(60, 4 * source.scrapeSeconds, step + source.scrapeSeconds)}s`;
  const worker = async () => {
    for (let panel = waiting.shift(); panel; panel = waiting.shift())
      found[panel.id] = await panelData(source, panel, range, now, times);
  };
  const [alerts] = await Promise.all([alertViews(source), ...Array.from({ length: parallel }, worker)]);
  return { now, server, findings, alerts, times, panels: found };
}

async function panelData(
  { api, has, namespace, service }: Source,
  { kind, queries }: Panel,
  range: string,
  now: number,
  times: readonly number[],
): Promise<PanelData> {
  const series: Series[] = [];
  try {
    for (const { legend, source, expression } of queries) {
      if (!has(source)) continue;
      const text = expression({ namespace, service, range });
      const answers =
        kind === 'number'
          ? (await api.query(text, now)).map(({ labels, value }) => ({ labels, values: [finite(value)] }))
          : await lines(api, text, times);
      series.push(...answers.map(({ labels, values }) => ({ name: named(legend, labels), values })));
    }
  } catch (error) {
    return { series: [], error: (error as Error).message };
  }
  return { series: series.filter(({ values }) => values.some((value) => value !== null)).slice(0, maxSeries) };
}

async function lines(api: PrometheusApi, expression: string, times: readonly number[]) {
  const [start = 0, second = 0] = times;
  const step = second - start;
  const answers = await api.queryRange(expression, { start, end: times.at(-1) ?? start, step });
  return answers.map(({ labels, samples }) => {
    const values: (number | null)[] = times.map(() => null);
    for (const [at, value] of samples) {
      const index = Math.round((at - start) / step);
      if (index in values) values[index] = finite(Number(value));
    }
    return { labels, values };
  });
}

/** A ratio of nothing to nothing is NaN: no value, rather than a wrong one. */
const finite = (value: number) => (Number.isFinite(value) ? value : null);

/** `{{route}}` stands for the value of a label. */
function named(legend: string, labels: Readonly<Record<string, string>>): string {
  return legend.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => labels[label] ?? '');
}

/** Ours name a section of docs/operations.md, which the server shows; others may have an address. */
function runbookLink({ runbook, runbook_url }: Readonly<Record<string, string>>): string | undefined {
  const section = /^docs\/operations\.md#([\w-]+)$/.exec(runbook ?? '')?.[1];
  if (section) return `/runbook/${section}`;
  return [runbook_url, runbook].find((text) => /^https?:\/\//.test(text ?? ''));
}

/** Labels that all alerts have alike on this page. */
const shared = new Set(['alertname', 'namespace', 'service', 'severity']);
const about = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .filter(([label]) => !shared.has(label))
    .map(([label, value]) => `${label} ${value}`)
    .join(', ');

/** null when Prometheus does not tell, which is not the same as no alert. */
async function alertViews({ api, alertNames, namespace, service }: Source): Promise<AlertView[] | null> {
  const alerts = await api.alerts().catch(() => undefined);
  if (alerts === undefined) return null;
  return alerts
    .filter(({ labels }) => alertNames.has(labels.alertname ?? ''))
    .filter(({ labels }) => (labels.namespace ?? namespace) === namespace && (labels.service ?? service) === service)
    .map(({ labels, annotations, state, activeAt }): AlertView => {
      const runbook = runbookLink(annotations);
      return {
        name: labels.alertname ?? '',
        state: state === 'firing' ? 'firing' : 'pending',
        severity: labels.severity ?? 'warning',
        summary: annotations.summary ?? '',
        about: about(labels),
        since: Date.parse(activeAt) / 1000,
        ...(runbook === undefined ? {} : { runbook }),
      };
    })
    .sort((one, other) => one.state.localeCompare(other.state) || one.since - other.since);
}
