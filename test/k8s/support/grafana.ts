// Holds dashboards against Grafana's own definition of them: the types of its SDK, which are made from Grafana's schema.
import { join } from 'node:path';
import ts from 'typescript';
import { root } from './manifests.ts';

export interface JsonPanel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { expr: string; refId: string; legendFormat: string }[];
  datasource?: { type: string; uid: string };
  fieldConfig?: { defaults: { unit?: string; noValue?: string; thresholds?: { steps: unknown[] } } };
  panels?: unknown[];
}

export interface JsonDashboard {
  uid: string;
  title: string;
  panels: JsonPanel[];
  templating: { list: { name: string; type: string; query: string }[] };
}

/** What JSON is of each type: an enum is one of its values, and functions are left out. */
const types = `
import type { GraphFieldConfig } from '@grafana/grafana-foundation-sdk/common';
import type { Dashboard, FieldConfig, Panel, RowPanel } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Dataquery } from '@grafana/grafana-foundation-sdk/prometheus';
import type { Options as Stat } from '@grafana/grafana-foundation-sdk/stat';
import type { Options as Timeseries } from '@grafana/grafana-foundation-sdk/timeseries';
type Json<T> = unknown extends T ? T : T extends string ? \`\${T}\` : T extends readonly (infer E)[] ? Json<E>[]
  : T extends object ? { [K in keyof T as NonNullable<T[K]> extends (...given: never[]) => unknown ? never : K]: Json<T[K]> } : T;
type Loose = 'targets' | 'options' | 'fieldConfig';
type Strict<Options, Custom> = Omit<Json<Panel>, Loose> & {
  targets: Json<Dataquery>[];
  options: Json<Options>;
  fieldConfig: { defaults: Omit<Json<FieldConfig>, 'custom'> & { custom?: Json<Custom> }; overrides: [] };
};
type stat = Strict<Stat, Record<string, never>>;
type timeseries = Strict<Timeseries, GraphFieldConfig>;
type row = Json<RowPanel>;
type dashboard = Omit<Json<Dashboard>, 'panels'>;
`;

/** @returns what Grafana's schema does not know or wants otherwise: one line each; none when all is right */
export function grafanaFaults({ panels, ...dashboard }: JsonDashboard): string[] {
  const kinds = new Set(['stat', 'timeseries', 'row']);
  const unknown = panels.filter(({ type }) => !kinds.has(type)).map(({ title, type }) => `${title}: no type ${type}`);
  const known = panels.filter(({ type }) => kinds.has(type));
  const values = [
    `export const whole: dashboard = ${JSON.stringify(dashboard)};`,
    ...known.map((panel) => `export const panel${panel.id}: ${panel.type} = ${JSON.stringify(panel)};`),
  ];
  return [...unknown, ...compile(`${types}\n${values.join('\n')}`)];
}

function compile(source: string): string[] {
  const file = join(root, 'test', 'k8s', 'dashboard-as-typescript.ts');
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile } = host;
  host.fileExists = (name) => name === file || fileExists(name);
  host.getSourceFile = (name, language, onError) =>
    name === file ? ts.createSourceFile(name, source, language) : getSourceFile(name, language, onError);
  const program = ts.createProgram([file], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}
