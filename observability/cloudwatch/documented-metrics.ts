// Metrics that AWS publishes, as far as dashboards and alarms use them: each with the sets of dimensions it comes with, and the page that says so.

export interface DocumentedMetrics {
  namespace: string;
  names: readonly string[];
  /** Each set that these metrics are published with. */
  dimensions: readonly (readonly string[])[];
  /** Where AWS says so: guide and title of the page. */
  page: string;
}

/**
 * The sets of Container Insights are also those that the agent declares (aws/amazon-cloudwatch-agent,
 * translator/translate/otel/exporter/awsemf/kubernetes.go): the page does not say which metrics have FullPodName. Enhanced observability is
 * what the add-on does at 5.x without being asked (values.yaml of its chart: enhanced_container_insights).
 */
const containerInsights =
  'CloudWatch user guide, "Amazon EKS and Kubernetes Container Insights with enhanced observability metrics"';
const rds = 'RDS user guide, "Amazon CloudWatch metrics for Amazon RDS"';
const host = 'ElastiCache user guide, "Host-Level Metrics"';
const redis =
  'ElastiCache user guide, "Metrics for Valkey and Redis OSS"; dimensions: "Monitoring CloudWatch cluster and node metrics"';
const balancer =
  'Elastic Load Balancing, user guide for Application Load Balancers, "CloudWatch metrics for your Application Load Balancer"';

const pod = ['ClusterName', 'Namespace', 'PodName'];
const service = ['ClusterName', 'Namespace', 'Service'];
const cluster = ['ClusterName'];

export const documentedMetrics: readonly DocumentedMetrics[] = [
  {
    namespace: 'ContainerInsights',
    names: [
      'pod_cpu_utilization',
      'pod_network_rx_bytes',
      'pod_network_tx_bytes',
      'pod_memory_utilization_over_pod_limit',
    ],
    dimensions: [pod, service, ['ClusterName', 'Namespace'], cluster, [...pod, 'FullPodName']],
    page: containerInsights,
  },
  {
    namespace: 'ContainerInsights',
    names: [
      'pod_cpu_reserved_capacity',
      'pod_number_of_container_restarts',
      'pod_container_status_waiting_reason_crash_loop_back_off',
    ],
    dimensions: [pod, service, cluster, [...pod, 'FullPodName']],
    page: containerInsights,
  },
  {
    namespace: 'ContainerInsights',
    names: ['service_number_of_running_pods'],
    dimensions: [service, cluster],
    page: containerInsights,
  },
  {
    namespace: 'ContainerInsights',
    names: ['replicas_desired', 'replicas_ready', 'status_replicas_available', 'status_replicas_unavailable'],
    dimensions: [pod, cluster],
    page: containerInsights,
  },
  {
    namespace: 'ContainerInsights',
    names: ['node_cpu_utilization', 'node_memory_utilization', 'node_filesystem_utilization'],
    dimensions: [['ClusterName', 'InstanceId', 'NodeName'], cluster],
    page: containerInsights,
  },
  {
    namespace: 'ContainerInsights',
    names: ['cluster_node_count', 'cluster_failed_node_count'],
    dimensions: [cluster],
    page: containerInsights,
  },
  {
    namespace: 'AWS/RDS',
    names: [
      'CPUUtilization',
      'DatabaseConnections',
      'FreeableMemory',
      'FreeStorageSpace',
      'ReadLatency',
      'WriteLatency',
      'ReplicaLag',
    ],
    dimensions: [['DBInstanceIdentifier']],
    page: `${rds}; dimensions: "Amazon CloudWatch dimensions for Amazon RDS"`,
  },
  {
    namespace: 'AWS/ElastiCache',
    names: ['EngineCPUUtilization', 'DatabaseMemoryUsagePercentage', 'CurrConnections', 'Evictions', 'ReplicationLag'],
    dimensions: [['CacheClusterId', 'CacheNodeId']],
    page: redis,
  },
  {
    namespace: 'AWS/ElastiCache',
    names: ['CPUUtilization'],
    dimensions: [['CacheClusterId', 'CacheNodeId']],
    page: host,
  },
  {
    namespace: 'AWS/ApplicationELB',
    names: [
      'RequestCount',
      'HTTPCode_ELB_5XX_Count',
      'HTTPCode_Target_5XX_Count',
      'HTTPCode_Target_4XX_Count',
      'TargetResponseTime',
      'ActiveConnectionCount',
      'RejectedConnectionCount',
    ],
    dimensions: [['LoadBalancer'], ['AvailabilityZone', 'LoadBalancer']],
    page: balancer,
  },
  {
    namespace: 'AWS/ApplicationELB',
    names: ['HealthyHostCount', 'UnHealthyHostCount'],
    dimensions: [
      ['LoadBalancer', 'TargetGroup'],
      ['AvailabilityZone', 'LoadBalancer', 'TargetGroup'],
    ],
    page: balancer,
  },
  {
    namespace: 'AWS/CertificateManager',
    names: ['DaysToExpiry'],
    dimensions: [['CertificateArn']],
    page: 'AWS Certificate Manager user guide, "Supported CloudWatch metrics"',
  },
];

/** Sets of dimensions that AWS documents for a metric; undefined when it documents no such metric. */
export function documentedDimensions(namespace: string, name: string): readonly (readonly string[])[] | undefined {
  return documentedMetrics.find((each) => each.namespace === namespace && each.names.includes(name))?.dimensions;
}
