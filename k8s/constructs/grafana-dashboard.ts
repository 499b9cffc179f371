// Dashboards for Grafana, in ConfigMaps that its sidecar loads.
import { createHash } from 'node:crypto';
import {
  DashboardBuilder,
  DashboardCursorSync,
  type Dashboard as DashboardJson,
  DatasourceVariableBuilder,
  type GridPos,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import type { Dashboard, Panel } from '../../observability/model.ts';
import { grafanaPanel, variables } from './grafana-panel.ts';
import { type Identity, labels } from './labels.ts';

/** By this label the sidecar of kube-prometheus-stack knows dashboards, in every namespace. */
export const dashboardLabel = { grafana_dashboard: '1' };

/** Grafana's grid has 24 columns. */
const columns = 24;
const panelHeight = 8;
const perLine = 4;

/** Panels side by side, at most four, over the whole width, as even as can be: 7 are 4 and 3. */
export function layout(count: number, top: number): GridPos[] {
  const lines = Math.ceil(count / perLine);
  return Array.from({ length: lines }, (_, line) => {
    const inLine = Math.floor(count / lines) + (line < count % lines ? 1 : 0);
    const width = columns / inLine;
    return Array.from({ length: inLine }, (_, index) => ({
      x: index * width,
      y: top + line * panelHeight,
      w: width,
      h: panelHeight,
    }));
  }).flat();
}

export interface DashboardNames {
  /** Unique in Grafana. */
  uid: string;
  /** Values of the variables when the dashboard is opened. */
  namespace: string;
  service: string;
}

/** The dashboard as Grafana imports it; the same input gives the same bytes. */
export function dashboardJson({ title, rows }: Dashboard, { uid, namespace, service }: DashboardNames): DashboardJson {
  const builder = new DashboardBuilder(`${service}: ${title}`)
    .uid(uid)
    .tags([service])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(namesOf('namespace', 'Namespace', '', namespace))
    .withVariable(namesOf('service', 'Service', '{namespace="$namespace"}', service));
  let top = 0;
  let id = 0;
  for (const row of rows) {
    builder.withRow(new RowBuilder(row.title).id(++id).gridPos({ x: 0, y: top, w: columns, h: 1 }));
    top += 1;
    const places = layout(row.panels.length, top);
    for (const [index, place] of places.entries()) {
      const panel = grafanaPanel(row.panels[index] as Panel, ++id, place);
      builder.withPanel({ build: () => panel });
      top = Math.max(top, place.y + place.h);
    }
  }
  return builder.build();
}

/** The services that Prometheus knows are those that count requests as ours does. */
const namesOf = (label: string, title: string, matchers: string, current: string) =>
  new QueryVariableBuilder(label)
    .label(title)
    .datasource(variables.datasource)
    .query(`label_values(http_request_duration_seconds_count${matchers}, ${label})`)
    .current({ text: current, value: current })
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc);

/** Grafana takes at most 40 characters. */
const maxUid = 40;

/** The name itself, or, when it is too long, its beginning and what tells it from others with the same. */
export const uidOf = (name: string): string =>
  name.length <= maxUid
    ? name
    : `${name.slice(0, maxUid - 9)}-${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;

export interface GrafanaDashboardProps {
  namespace: string;
  identity: Identity;
  dashboard: Dashboard;
}

/** A ConfigMap with one dashboard. It stands beside the service, so that it comes and goes with it. */
export class GrafanaDashboard extends Construct {
  constructor(scope: Construct, id: string, { namespace, identity, dashboard }: GrafanaDashboardProps) {
    super(scope, id);
    const uid = uidOf([...new Set([namespace, identity.name, dashboard.id])].join('-'));
    const json = dashboardJson(dashboard, { uid, namespace, service: identity.name });
    new k8s.KubeConfigMap(this, 'dashboard', {
      metadata: {
        namespace,
        name: `${identity.name}-dashboard-${dashboard.id}`,
        labels: { ...labels(identity), ...dashboardLabel },
      },
      // The sidecar keeps the dashboards of all namespaces in one folder, by the names of their keys.
      data: { [`${uid}.json`]: `${JSON.stringify(json, undefined, 1)}\n` },
    });
  }
}
