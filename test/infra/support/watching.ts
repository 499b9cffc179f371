// What must hold for alarms and dashboards in the templates: an action, a metric that exists, dimensions that a resource carries.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { documentedDimensions } from '../../../observability/cloudwatch/documented-metrics.ts';
import { idOf, type Json, ofType, only, propertiesOf, root, type Template } from './templates.ts';

type Members = Record<string, Json>;

/** Templates of one environment, by the name of the stack. */
export type Stacks = Readonly<Record<'observability' | 'operations' | 'data' | 'edge' | 'cluster', Template>>;

interface Used {
  /** Who uses it. */
  by: string;
  namespace: string;
  name: string;
  /** Values are missing in a query: whoever has these dimensions is meant. */
  dimensions: Readonly<Record<string, string | undefined>>;
}

/** A value with what only a deployment knows left as its name. */
const text = (value: Json | undefined): string =>
  typeof value === 'string'
    ? value
    : typeof value === 'object' && value !== null && !Array.isArray(value) && Array.isArray(value['Fn::Join'])
      ? (value['Fn::Join'][1] as Json[]).map(text).join('')
      : JSON.stringify(value);

/** The body of the only dashboard. */
export function dashboardOf(stack: Template): { widgets: { type: string; properties: Members }[] } {
  const body = only(stack, 'AWS::CloudWatch::Dashboard').DashboardBody;
  // A reference within the text is quoted there already.
  const plain = typeof body === 'string' ? body : text(body).replaceAll(/\{"Ref":"([^"]+)"\}/g, '$1');
  return JSON.parse(plain);
}

const search =
  /^SEARCH\('\{(?<schema>[^}]+)\} MetricName="(?<name>\w+)" (?<dimension>\w+)=(?<value>[\w/-]+)', '\w+', \d+\)$/;
const insights = /^SELECT (?:SUM|MIN|MAX|AVG)\((?<name>\w+)\) FROM SCHEMA\("(?<namespace>[^"]+)"(?<keys>(?:, \w+)*)\)$/;

function ofExpression(by: string, expression: string): Used[] {
  const searched = search.exec(expression)?.groups;
  if (searched !== undefined) {
    const [namespace, ...keys] = (searched.schema as string).split(',');
    const dimensions = Object.fromEntries(
      keys.map((key) => [key, key === searched.dimension ? searched.value : undefined]),
    );
    return [{ by, namespace: namespace as string, name: searched.name as string, dimensions }];
  }
  const asked = insights.exec(expression)?.groups;
  if (asked !== undefined) {
    const keys = (asked.keys as string).split(', ').filter((key) => key !== '');
    const dimensions = Object.fromEntries(keys.map((key) => [key, undefined]));
    return [{ by, namespace: asked.namespace as string, name: asked.name as string, dimensions }];
  }
  if (/SEARCH|SELECT/.test(expression)) throw new Error(`${by}: not understood: ${expression}`);
  return [];
}

function ofAlarm(alarm: Members): Used[] {
  const by = String(alarm.AlarmName);
  const plain = (metric: Members): Used => ({
    by,
    namespace: String(metric.Namespace),
    name: String(metric.MetricName),
    dimensions: Object.fromEntries(
      ((metric.Dimensions ?? []) as Members[]).map((d) => [String(d.Name), text(d.Value)]),
    ),
  });
  if (alarm.MetricName !== undefined) return [plain(alarm)];
  return ((alarm.Metrics ?? []) as Members[]).flatMap(({ MetricStat, Expression }) =>
    MetricStat === undefined
      ? ofExpression(by, String(Expression))
      : [plain((MetricStat as Members).Metric as Members)],
  );
}

function ofWidget({ title, metrics }: Members): Used[] {
  return ((metrics ?? []) as Json[][]).flatMap((entry) => {
    const by = `the chart ${String(title)}`;
    if (entry.length === 1) return ofExpression(by, String((entry[0] as Members).expression));
    const [namespace, name, ...rest] = entry.filter((part) => typeof part === 'string') as string[];
    const dimensions = Object.fromEntries(rest.flatMap((key, index) => (index % 2 ? [] : [[key, rest[index + 1]]])));
    return [{ by, namespace: namespace as string, name: name as string, dimensions }];
  });
}

/** Every metric that alarms and the dashboard use. */
export const metricsUsed = (stack: Template): Used[] => [
  ...propertiesOf(stack, 'AWS::CloudWatch::Alarm').flatMap(ofAlarm),
  ...dashboardOf(stack).widgets.flatMap(({ properties }) => ofWidget(properties)),
];

/** How the templates refer to the certificate that the edge stack makes: by a parameter of Systems Manager that holds its ARN. */
function certificateReferences({ edge, observability }: Stacks): string[] {
  const made = Object.keys(ofType(edge, 'AWS::CertificateManager::Certificate'));
  const told = propertiesOf(edge, 'AWS::SSM::Parameter')
    .filter(({ Value }) => made.includes(idOf(Value) ?? ''))
    .map(({ Name }) => Name);
  return Object.entries(observability.Parameters ?? {})
    .filter(([, parameter]) => told.includes((parameter as Members).Default as Json))
    .flatMap(([id]) => [JSON.stringify({ Ref: id }), id]);
}

/** What the resources of the environment are called, by the dimension that carries it. */
function carried(stacks: Stacks, environment: string): Record<string, readonly string[]> {
  const folder = join(root, 'charts-out', environment);
  const manifests = readdirSync(folder).flatMap((file) =>
    parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => document.toJS() as Manifest),
  );
  const named = (kind: string) => manifests.filter((each) => each.kind === kind).map(({ metadata }) => metadata);
  const { ReplicationGroupId, NumCacheClusters } = only(stacks.data, 'AWS::ElastiCache::ReplicationGroup');
  return {
    ClusterName: [String(only(stacks.cluster, 'AWS::EKS::Cluster').Name)],
    Namespace: named('Namespace').map(({ name }) => name),
    Service: named('Service').map(({ name }) => name),
    PodName: named('Deployment').map(({ name }) => name),
    DBInstanceIdentifier: propertiesOf(stacks.data, 'AWS::RDS::DBInstance').map((p) => String(p.DBInstanceIdentifier)),
    // ElastiCache user guide, "Finding replication group endpoints": the nodes are numbered after the group, from 001 on.
    CacheClusterId: Array.from(
      { length: Number(NumCacheClusters) },
      (_, index) => `${ReplicationGroupId}-${String(index + 1).padStart(3, '0')}`,
    ),
    CacheNodeId: ['0001'],
    LoadBalancer: named('Ingress').map(
      ({ annotations }) => annotations?.['alb.ingress.kubernetes.io/load-balancer-name'] ?? 'unnamed',
    ),
    CertificateArn: certificateReferences(stacks),
  };
}

interface Manifest {
  kind: string;
  metadata: { name: string; annotations?: Record<string, string> };
}

function alarmFaults(stacks: Stacks): string[] {
  const topicOf = Object.fromEntries(
    Object.entries(ofType(stacks.operations, 'AWS::SNS::Topic')).map(([id, { Properties }]) => {
      const [, made] =
        Object.entries(stacks.operations.Outputs ?? {}).find(([, { Value }]) => idOf(Value as Json) === id) ?? [];
      return [
        text(Properties.TopicName).split('-').at(-1),
        JSON.stringify([{ 'Fn::ImportValue': made?.Export?.Name }]),
      ];
    }),
  );
  return propertiesOf(stacks.observability, 'AWS::CloudWatch::Alarm').flatMap((alarm) => {
    const name = String(alarm.AlarmName);
    const severity = /\[(\w+)\]/.exec(String(alarm.AlarmDescription))?.[1] ?? 'none';
    return [
      ...(['AlarmActions', 'OKActions'] as const)
        .filter((kind) => JSON.stringify(alarm[kind]) !== topicOf[severity])
        .map((kind) => `${name}: ${kind} do not reach the topic of its severity`),
      ...(alarm.TreatMissingData === undefined ? [`${name}: nobody said what missing data means`] : []),
      ...(/docs\/operations\.md#[a-z0-9-]+/.test(String(alarm.AlarmDescription)) ? [] : [`${name}: names no runbook`]),
      ...(JSON.stringify(alarm).includes('SEARCH(') ? [`${name}: no alarm takes a SEARCH`] : []),
    ];
  });
}

function metricFaults(stacks: Stacks, environment: string): string[] {
  const published = propertiesOf(stacks.observability, 'AWS::Logs::MetricFilter').flatMap(({ MetricTransformations }) =>
    (MetricTransformations as Members[]).map((each) => `${each.MetricNamespace} ${each.MetricName}`),
  );
  const names = carried(stacks, environment);
  return metricsUsed(stacks.observability).flatMap(({ by, namespace, name, dimensions }) => {
    const keys = Object.keys(dimensions).sort();
    const sets = published.includes(`${namespace} ${name}`) ? [[]] : documentedDimensions(namespace, name);
    if (sets === undefined) return [`${by}: nobody documents or publishes ${namespace} ${name}`];
    if (!sets.some((set) => [...set].sort().join() === keys.join()))
      return [`${by}: ${namespace} ${name} does not come with the dimensions ${keys.join(', ') || '(none)'}`];
    return Object.entries(dimensions)
      .filter(([key, value]) => value !== undefined && !names[key]?.includes(value))
      .map(([key, value]) => `${by}: nothing is called ${key} ${value}`);
  });
}

/** Log groups that a filter reads, and nobody makes. */
function filterFaults({ observability, operations }: Stacks): string[] {
  const groups = propertiesOf(operations, 'AWS::Logs::LogGroup').map(({ LogGroupName }) => LogGroupName);
  return propertiesOf(observability, 'AWS::Logs::MetricFilter')
    .filter(({ LogGroupName }) => !groups.includes(LogGroupName as Json))
    .map(({ LogGroupName }) => `nobody makes the log group ${text(LogGroupName)}`);
}

/** @returns what is wrong, a line each */
export const watchingFaults = (stacks: Stacks, environment: string): string[] => [
  ...new Set([...alarmFaults(stacks), ...metricFaults(stacks, environment), ...filterFaults(stacks)]),
];
