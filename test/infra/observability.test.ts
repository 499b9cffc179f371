// What the observability stack makes: held against the resources that it watches, and against templates that have a fault each.
import { accountId } from '../../config/account.ts';
import { clusterLogGroups } from '../../config/aws-names.ts';
import { environmentNamed } from '../../config/environments.ts';
import { dashboards } from '../../observability/panels/index.ts';
import { type Json, ofType, only, propertiesOf, type Template, template } from './support/templates.ts';
import { dashboardOf, metricsUsed, type Stacks, watchingFaults } from './support/watching.ts';

type Members = Record<string, Json>;
const environments = ['production', 'staging'] as const;
type Name = (typeof environments)[number];

const stacksOf = (environment: Name): Stacks => {
  const stack = (name: string) => template(environment, name);
  return {
    observability: stack('observability'),
    operations: stack('operations'),
    data: stack('data'),
    cluster: stack('cluster'),
    edge: stack('edge'),
  };
};
const alarmsOf = ({ observability }: Stacks) => propertiesOf(observability, 'AWS::CloudWatch::Alarm');

describe.each(environments)('the observability of %s', (environment) => {
  const stacks = stacksOf(environment);
  const { observability } = stacks;
  const { widgets } = dashboardOf(observability);
  const titles = (type: string) =>
    widgets.filter((each) => each.type === type).map(({ properties }) => properties.title);

  it('O1 O3 uses metrics that exist, with dimensions that its resources carry, and every alarm reaches the topic', () => {
    expect(watchingFaults(stacks, environment)).toEqual([]);
    expect(metricsUsed(observability).length).toBeGreaterThan(80);
  });

  it('O1 has a dashboard that opens as the Grafana overview does, and goes on with what only CloudWatch sees', () => {
    expect(only(observability, 'AWS::CloudWatch::Dashboard').DashboardName).toBe(`slipway-${environment}`);
    const row = dashboards[0]?.rows[0]?.panels.map(({ title }) => title) ?? [];
    expect(row).toHaveLength(8);
    expect(titles('metric').slice(0, row.length)).toEqual(row);
    const heads = widgets.filter(({ type }) => type === 'text').map(({ properties }) => String(properties.markdown));
    const order = ['Redis (ElastiCache)', 'PostgreSQL (RDS)', 'Load balancer', 'Nodes'].map((title) =>
      heads.findIndex((head) => head.startsWith(`## ${title}\n`)),
    );
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(order).not.toContain(-1);
  });

  it('O1 is within the limits of a dashboard, and no widget lies on another', () => {
    // CloudWatch user guide, "CloudWatch service quotas": widgets of a dashboard, metrics of a widget, metrics of a dashboard.
    expect(widgets.length).toBeLessThan(500);
    const counts = widgets.map(({ properties }) => ((properties.metrics ?? []) as Json[]).length);
    expect(Math.max(...counts)).toBeLessThan(100);
    expect(counts.reduce((sum, each) => sum + each, 0)).toBeLessThan(2500);
    expect(JSON.stringify({ widgets }).length).toBeLessThan(100_000);
    const cells = widgets.flatMap((each) => {
      const { x, y, width, height } = each as unknown as Record<'x' | 'y' | 'width' | 'height', number>;
      expect(x + width).toBeLessThanOrEqual(24);
      return Array.from({ length: width * height }, (_, n) => `${x + (n % width)} ${y + Math.floor(n / width)}`);
    });
    expect(new Set(cells).size).toBe(cells.length);
  });

  it('O1 lists the state of every alarm of the stack', () => {
    const [listed] = widgets
      .filter(({ type }) => type === 'alarm')
      .map(({ properties }) => properties.alarms as string[]);
    expect(listed?.map((arn) => arn.split(':alarm:')[1])).toEqual(alarmsOf(stacks).map(({ AlarmName }) => AlarmName));
  });

  it('O3 has an alarm of its own for each server and each node that the data stack makes', () => {
    const watched = (dimension: string) =>
      new Set(
        alarmsOf(stacks)
          .flatMap(({ Dimensions }) => (Dimensions ?? []) as Members[])
          .filter(({ Name }) => Name === dimension)
          .map(({ Value }) => Value),
      );
    const servers = propertiesOf(stacks.data, 'AWS::RDS::DBInstance').map((p) => p.DBInstanceIdentifier);
    expect([...watched('DBInstanceIdentifier')].sort()).toEqual([...servers].sort());
    expect(watched('CacheClusterId').size).toBe(
      only(stacks.data, 'AWS::ElastiCache::ReplicationGroup').NumCacheClusters,
    );
  });

  it('O3 knows the limits of the stores', () => {
    const threshold = (name: string) =>
      alarmsOf(stacks).find(({ AlarmName }) => AlarmName === `slipway-${environment}-${name}`)?.Threshold;
    const { max_connections } = only(stacks.data, 'AWS::RDS::DBParameterGroup').Parameters as Members;
    expect(threshold('database-connections-high-writer')).toBe(Math.floor(Number(max_connections) * 0.85));
    const [writer] = propertiesOf(stacks.data, 'AWS::RDS::DBInstance').filter(
      (p) => p.DBInstanceIdentifier === `slipway-${environment}`,
    );
    expect(threshold('database-storage-low-writer')).toBe(
      Math.floor(Number(writer?.AllocatedStorage) * 1024 ** 3 * 0.05),
    );
  });

  it('O4 O6 publishes from the log group that Container Insights writes the containers’ lines to', () => {
    const group = clusterLogGroups(environmentNamed(environment))['application-log'];
    const filters = propertiesOf(observability, 'AWS::Logs::MetricFilter');
    expect(filters.map(({ LogGroupName }) => LogGroupName)).toEqual(Array(5).fill(group));
    const addOns = propertiesOf(stacks.cluster, 'AWS::EKS::Addon');
    // Version 5 writes the metrics of enhanced observability and these logs; 6 and later can be told to write others.
    expect(addOns.find(({ AddonName }) => AddonName === 'amazon-cloudwatch-observability')?.AddonVersion).toMatch(
      /^v5\./,
    );
    const [duration] = filters.filter(({ FilterName }) => String(FilterName).endsWith('-request-duration'));
    expect(duration?.MetricTransformations).toEqual([
      {
        MetricNamespace: `slipway/${environment}`,
        MetricName: 'RequestDuration',
        MetricValue: '$.log_processed.durationMs',
        Unit: 'Milliseconds',
      },
    ]);
    // CloudWatch Logs quotas: characters of a pattern.
    for (const { FilterPattern } of filters) expect(String(FilterPattern).length).toBeLessThan(1024);
  });

  it('is made after what it watches', () => {
    const metadata = JSON.stringify(alarmsOf(stacks).map(({ AlarmActions }) => AlarmActions));
    expect(metadata).toContain(`slipway-${environment}-operations:`);
  });
});

describe('a template with a fault is told of', () => {
  const good = stacksOf('production');
  const faulty = (change: (observability: Template) => void): string[] => {
    const observability = structuredClone(good.observability);
    change(observability);
    return watchingFaults({ ...good, observability }, 'production');
  };
  const alarm = (of: Template, name: string): Members => {
    const found = Object.values(ofType(of, 'AWS::CloudWatch::Alarm')).find(({ Properties }) =>
      String(Properties.AlarmName).endsWith(`-${name}`),
    );
    if (found === undefined) throw new Error(`no alarm ${name}`);
    return found.Properties;
  };
  const body = (of: Template, from: string, to: string) => {
    const dashboard = only(of, 'AWS::CloudWatch::Dashboard');
    expect(dashboard.DashboardBody).toContain(from);
    dashboard.DashboardBody = String(dashboard.DashboardBody).replace(from, to);
  };

  it('as it is, it has none', () => {
    expect(faulty(() => undefined)).toEqual([]);
  });

  it.each<[string, (of: Template) => void, string]>([
    ['an alarm without an action', (of) => delete alarm(of, 'replicas-low').AlarmActions, 'AlarmActions do not reach'],
    [
      'one that never says that it is over',
      (of) => (alarm(of, 'replicas-low').OKActions = []),
      'OKActions do not reach',
    ],
    [
      'one that tells somebody else',
      (of) => (alarm(of, 'memory-high').AlarmActions = [`arn:aws:sns:us-east-1:${accountId}:other`]),
      'AlarmActions do not reach',
    ],
    ['missing data unthought of', (of) => delete alarm(of, 'cpu-high').TreatMissingData, 'what missing data means'],
    ['no runbook', (of) => (alarm(of, 'cpu-high').AlarmDescription = 'Busy. [page]'), 'names no runbook'],
    ['an invented metric', (of) => (alarm(of, 'memory-high').MetricName = 'pod_memory_left'), 'nobody documents'],
    [
      'another name of our own metric',
      (of) => (alarm(of, 'latency-p95-high').MetricName = 'Latency'),
      'nobody documents',
    ],
    [
      'a dimension that the metric lacks',
      (of) => (alarm(of, 'replicas-low').Dimensions = [{ Name: 'Service', Value: 'slipway' }]),
      'does not come with the dimensions Service',
    ],
    [
      'a server that is not there',
      (of) => (alarm(of, 'database-cpu-high-writer').Dimensions = [{ Name: 'DBInstanceIdentifier', Value: 'slipway' }]),
      'nothing is called DBInstanceIdentifier slipway',
    ],
    [
      'a node that is not there',
      (of) =>
        ((alarm(of, 'redis-evictions-001').Dimensions as Members[])[0] = {
          Name: 'CacheClusterId',
          Value: 'slipway-production',
        }),
      'nothing is called CacheClusterId slipway-production',
    ],
    [
      'a query for a dimension that is not there',
      (of) =>
        (alarm(of, 'load-balancer-5xx').Metrics = [
          { Id: 'q1', Expression: 'SELECT SUM(HTTPCode_ELB_5XX_Count) FROM SCHEMA("AWS/ApplicationELB", Listener)' },
        ]),
      'does not come with the dimensions Listener',
    ],
    ['a chart of an invented metric', (of) => body(of, '"replicas_ready"', '"replicas_happy"'), 'nobody documents'],
    [
      'a search for another load balancer',
      (of) => body(of, 'LoadBalancer=slipway-production', 'LoadBalancer=elsewhere'),
      'nothing is called LoadBalancer elsewhere',
    ],
    [
      'a filter on a log group that nobody makes',
      (of) => {
        for (const each of propertiesOf(of, 'AWS::Logs::MetricFilter')) each.LogGroupName = '/aws/nowhere';
      },
      'nobody makes the log group /aws/nowhere',
    ],
  ])('%s', (_, change, fault) => {
    const found = faulty(change);
    expect(found).toEqual([expect.stringContaining(fault)]);
  });
});
