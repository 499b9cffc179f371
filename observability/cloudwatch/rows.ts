// What only CloudWatch sees: the stores as AWS runs them, the load balancer, the nodes, the certificate.
import type { Facts } from './facts.ts';
import { minute, ofCacheNode, ofCertificate, ofCluster, ofDatabase, ofLoadBalancer } from './metrics.ts';
import type { Chart, Line, Metric, Series, WidgetRow } from './model.ts';

const chart = (
  id: string,
  title: string,
  question: string,
  rest: Pick<Chart, 'unit' | 'series'> & { lines?: readonly Line[] },
): Chart => ({
  id,
  title,
  question,
  kind: 'lines',
  ...rest,
});

const redis = ({ cacheNodes }: Facts): WidgetRow => {
  const each = (metric: (make: ReturnType<typeof ofCacheNode>) => Metric): Series[] =>
    cacheNodes.map((node) => ({ label: node, metric: metric(ofCacheNode(node)) }));
  return {
    title: 'Redis (ElastiCache)',
    widgets: [
      chart('redis-engine-cpu', 'CPU of the engine', 'Is the one thread of Redis at its limit?', {
        unit: 'percent',
        series: each((of) => of('EngineCPUUtilization', 'Average')),
      }),
      chart('redis-memory', 'Memory in use', 'How near is Redis to evicting sessions?', {
        unit: 'percent',
        series: each((of) => of('DatabaseMemoryUsagePercentage', 'Average')),
      }),
      chart('redis-evictions', 'Evicted keys', 'Does Redis throw away what it should keep?', {
        unit: 'count',
        series: each((of) => of('Evictions', 'Sum')),
      }),
      chart('redis-connections', 'Connections', 'Do connections pile up?', {
        unit: 'count',
        series: each((of) => of('CurrConnections', 'Average')),
      }),
      chart('redis-replication-lag', 'Lag of the copy', 'How much would a failover lose?', {
        unit: 'seconds',
        series: each((of) => of('ReplicationLag', 'Maximum')),
      }),
    ],
  };
};

const postgres = ({ database }: Facts): WidgetRow => {
  const servers = [database.writer, ...(database.reader === undefined ? [] : [database.reader])];
  const each = (metric: (make: ReturnType<typeof ofDatabase>) => Metric): Series[] =>
    servers.map((server) => ({ label: server, metric: metric(ofDatabase(server)) }));
  return {
    title: 'PostgreSQL (RDS)',
    widgets: [
      chart('database-cpu', 'CPU', 'Is the server busy?', {
        unit: 'percent',
        series: each((of) => of('CPUUtilization', 'Average')),
      }),
      chart('database-connections', 'Connections', 'How many of its connections are taken?', {
        unit: 'count',
        series: each((of) => of('DatabaseConnections', 'Maximum')),
        lines: [{ label: 'max_connections', value: database.maxConnections }],
      }),
      chart('database-memory', 'Memory that could be freed', 'Does the server run out of memory?', {
        unit: 'bytes',
        series: each((of) => of('FreeableMemory', 'Minimum')),
      }),
      chart('database-storage', 'Free storage', 'Does the disk fill up faster than it grows?', {
        unit: 'bytes',
        series: each((of) => of('FreeStorageSpace', 'Minimum')),
      }),
      chart('database-latency', 'Time of a disk access', 'Is the disk slow?', {
        unit: 'seconds',
        series: servers.flatMap((server) => [
          { label: `${server} read`, metric: ofDatabase(server)('ReadLatency', 'Average') },
          { label: `${server} write`, metric: ofDatabase(server)('WriteLatency', 'Average') },
        ]),
      }),
    ],
  };
};

const loadBalancer = (facts: Facts): WidgetRow => {
  const of = ofLoadBalancer(facts);
  return {
    title: 'Load balancer',
    widgets: [
      chart('balancer-requests', 'Requests per minute', 'How much reaches the load balancer, probes not counted?', {
        unit: 'per-minute',
        series: [{ label: 'requests', search: of('RequestCount', 'Sum') }],
      }),
      chart(
        'balancer-errors',
        'Errors per minute',
        'Who fails: the load balancer, which has nobody to ask, or the service?',
        {
          unit: 'per-minute',
          series: [
            { label: 'load balancer 5xx', search: of('HTTPCode_ELB_5XX_Count', 'Sum') },
            { label: 'service 5xx', search: of('HTTPCode_Target_5XX_Count', 'Sum') },
            { label: 'service 4xx', search: of('HTTPCode_Target_4XX_Count', 'Sum') },
          ],
        },
      ),
      chart(
        'balancer-latency',
        'Time of the targets',
        'How long do pods take, as the load balancer sees it, transfers included?',
        {
          unit: 'seconds',
          series: [
            { label: 'p50', search: of('TargetResponseTime', 'p50') },
            { label: 'p95', search: of('TargetResponseTime', 'p95') },
            { label: 'p99', search: of('TargetResponseTime', 'p99') },
          ],
        },
      ),
      chart('balancer-hosts', 'Healthy and unhealthy targets', 'To how many pods does the load balancer send?', {
        unit: 'count',
        series: [
          { label: 'healthy', search: of('HealthyHostCount', 'Minimum', true) },
          { label: 'unhealthy', search: of('UnHealthyHostCount', 'Maximum', true) },
        ],
      }),
      chart('balancer-connections', 'Connections', 'Does the load balancer reach its limits?', {
        unit: 'count',
        series: [
          { label: 'active', search: of('ActiveConnectionCount', 'Sum') },
          { label: 'rejected', search: of('RejectedConnectionCount', 'Sum') },
        ],
      }),
    ],
  };
};

const nodes = (facts: Facts): WidgetRow => {
  const of = ofCluster(facts);
  return {
    title: 'Nodes',
    widgets: [
      chart('nodes-count', 'Nodes', 'How many are there, and is one of them lost?', {
        unit: 'count',
        series: [
          { label: 'nodes', metric: of('cluster_node_count', 'Average') },
          { label: 'failed', metric: of('cluster_failed_node_count', 'Maximum') },
        ],
      }),
      chart('nodes-cpu', 'CPU', 'Is there room for more on the nodes?', {
        unit: 'percent',
        series: [
          { label: 'on average', metric: of('node_cpu_utilization', 'Average') },
          { label: 'highest', metric: of('node_cpu_utilization', 'Maximum') },
        ],
      }),
      chart('nodes-memory', 'Memory', 'Does a node run out of memory?', {
        unit: 'percent',
        series: [
          { label: 'on average', metric: of('node_memory_utilization', 'Average') },
          { label: 'highest', metric: of('node_memory_utilization', 'Maximum') },
        ],
      }),
      chart('nodes-disk', 'Disk', 'Does a node run out of disk?', {
        unit: 'percent',
        series: [{ label: 'highest', metric: of('node_filesystem_utilization', 'Maximum') }],
      }),
    ],
  };
};

const certificate = (arn: string): WidgetRow => ({
  title: 'Certificate',
  widgets: [
    chart('certificate-days', 'Days to expiry', 'Is the certificate renewed?', {
      unit: 'count',
      // ACM publishes it twice a day.
      series: [{ label: 'days', metric: ofCertificate(arn)('DaysToExpiry', 'Minimum', 24 * 60 * minute) }],
    }),
  ],
});

/** In the order in which they are shown, below those that Grafana has, too. */
export const awsRows = (facts: Facts): WidgetRow[] => [
  redis(facts),
  postgres(facts),
  loadBalancer(facts),
  nodes(facts),
  ...(facts.certificateArn === undefined ? [] : [certificate(facts.certificateArn)]),
];
