// What the server of `make observe` tells its page, for both of them.
import type { Dashboard, Panel, Row } from '../../../observability/model.ts';

/** A panel without its queries, which only the server runs. */
export type PanelView = Omit<Panel, 'queries'> & {
  /** Where its series come from that this Prometheus does not scrape; empty when the panel can be drawn. */
  elsewhere: readonly string[];
};
export type RowView = Omit<Row, 'panels'> & { panels: readonly PanelView[] };
export type DashboardView = Omit<Dashboard, 'rows'> & { rows: readonly RowView[] };

/** /model.json: what does not change while the command runs. */
export interface Model {
  /** Whose series are drawn. */
  namespace: string;
  service: string;
  /** Address of Prometheus, for people. */
  prometheus: string;
  dashboards: readonly DashboardView[];
}

/** The time ranges that can be chosen, in minutes. */
export const rangesMinutes = [15, 60, 360] as const;
export type RangeMinutes = (typeof rangesMinutes)[number];

/** Something that is wrong, and what to do about it. */
export interface Finding {
  what: string;
  remedy: string;
}

export interface AlertView {
  name: string;
  state: 'firing' | 'pending';
  severity: string;
  summary: string;
  /** What tells it from others of its name, such as `pod slipway-1`; '' when nothing does. */
  about: string;
  /** Seconds since 1970. */
  since: number;
  /** Absent when the rule names none. */
  runbook?: string;
}

export interface Series {
  name: string;
  /** One for each time of `Data.times`, null where there is none; of a `number` panel only the newest. */
  values: readonly (number | null)[];
}

export interface PanelData {
  series: readonly Series[];
  /** Why there is none: what Prometheus said of the query. */
  error?: string;
}

/** /data.json?minutes=15 */
export interface Data {
  /** Of Prometheus, in seconds since 1970; of the server when Prometheus does not tell. */
  now: number;
  /** The clock of the server, in seconds since 1970, so that a browser can tell that its own is off. */
  server: number;
  findings: readonly Finding[];
  /** null when they are not known. */
  alerts: readonly AlertView[] | null;
  /** Seconds since 1970, evenly spaced, oldest first; shared by all lines. */
  times: readonly number[];
  /** By id of the panel; empty when Prometheus cannot be asked. */
  panels: Readonly<Record<string, PanelData>>;
}
