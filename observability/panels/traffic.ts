// The first row: what a person who looks for ten seconds must see.
import type { Row, Scope } from '../model.ts';
import { clientTimed, latencyCeilings, unserved } from '../rules/objectives.ts';
import { ofAutoscaler, ofContainer, ofDeployment, ofService, traffic } from '../selectors.ts';
import { quantile } from './quantile.ts';

const ceilings = latencyCeilings.map(({ quantile: share, seconds }) => `p${share * 100} ${seconds * 1000} ms`);

/** As the objectives count: what was served, and in a time that is the service's own. */
const timed = [`route!~"${[...unserved, ...clientTimed].join('|')}"`, 'status=~"[23].."'];

const noTraffic = 'No request in this time, or the service is not scraped: see the panel Active instances.';
export const notScraped =
  'Prometheus scrapes no instance: check that the ServiceMonitor (or `make observe`) is there, and the variables above.';
export const noKubernetes =
  'No series of kube-state-metrics: it is missing, or there is no Kubernetes here, as under `make run`.';
export const noContainers = 'No series of cAdvisor: Prometheus does not scrape the kubelets, or there are none here.';

/** Desired replicas in steps as often as an HPA decides; 0 is an HPA that has yet to decide. */
const desired = (scope: Scope) =>
  `(max(kube_horizontalpodautoscaler_status_desired_replicas${ofAutoscaler(scope)}) > 0)[24h:15s]`;
/** `resets` counts the steps down, `changes` those up and down. */
const scaleIns = (scope: Scope) => `resets(${desired(scope)})`;
const scaleOuts = (scope: Scope) => `changes(${desired(scope)}) - resets(${desired(scope)})`;

const bytes = (scope: Scope, direction: 'receive' | 'transmit') =>
  `sum(rate(container_network_${direction}_bytes_total{namespace="${scope.namespace}"}[${scope.range}]) and on (namespace, pod) container_memory_working_set_bytes${ofContainer(scope)})`;

export const trafficRow: Row = {
  title: 'The service at a glance',
  panels: [
    {
      id: 'active-instances',
      title: 'Active instances',
      question: 'How many instances answer Prometheus now?',
      kind: 'number',
      unit: 'count',
      thresholds: [
        { value: 2, severity: 'warning', below: true },
        { value: 1, severity: 'critical', below: true },
      ],
      noData: notScraped,
      queries: [{ legend: 'instances', source: 'service', expression: (scope) => `sum(up${ofService(scope)})` }],
    },
    {
      id: 'requests',
      title: 'Requests per minute',
      question: 'How much is asked of the service, without the probes?',
      kind: 'lines',
      unit: 'per-minute',
      noData: noTraffic,
      queries: [
        {
          legend: 'requests',
          source: 'service',
          expression: (scope) =>
            `60 * sum(rate(http_request_duration_seconds_count${ofService(scope, traffic)}[${scope.range}]))`,
        },
      ],
    },
    {
      id: 'cpu',
      title: 'CPU',
      question: 'How many cores does each instance use, and how many does it request? The HPA acts on their ratio.',
      kind: 'lines',
      unit: 'cores',
      noData: notScraped,
      queries: [
        {
          legend: '{{pod}}',
          source: 'service',
          expression: (scope) => `sum by (pod) (rate(process_cpu_seconds_total${ofService(scope)}[${scope.range}]))`,
        },
        {
          legend: 'requested by each',
          source: 'kube-state-metrics',
          expression: (scope) => `max(kube_pod_container_resource_requests${ofContainer(scope, 'resource="cpu"')})`,
        },
      ],
    },
    {
      id: 'latency',
      title: 'Answer time: p50, p95, p99',
      question: `How long do people wait? Ceilings: ${ceilings.join(', ')}. Counted as the objectives do: without errors, /load, uploads and downloads.`,
      kind: 'lines',
      unit: 'seconds',
      thresholds: latencyCeilings.map(({ quantile: share, seconds }) => ({
        value: seconds,
        severity: share > 0.95 ? ('critical' as const) : ('warning' as const),
      })),
      noData: noTraffic,
      queries: latencyCeilings.map(({ quantile: share }) => ({
        legend: `p${share * 100}`,
        source: 'service' as const,
        expression: (scope: Scope) =>
          quantile(share, [], 'http_request_duration_seconds', ofService(scope, ...timed), scope),
      })),
    },
    {
      id: 'health',
      title: 'Health: ready of wanted',
      question: 'Are as many pods ready as the Deployment wants?',
      kind: 'number',
      unit: 'count',
      noData: noKubernetes,
      queries: [
        {
          legend: 'ready',
          source: 'kube-state-metrics',
          expression: (scope) => `max(kube_deployment_status_replicas_ready${ofDeployment(scope)})`,
        },
        {
          legend: 'wanted',
          source: 'kube-state-metrics',
          expression: (scope) => `max(kube_deployment_spec_replicas${ofDeployment(scope)})`,
        },
      ],
    },
    {
      id: 'ready-share',
      title: 'Share of the wanted pods that is ready',
      question: 'How much of what the Deployment wants is there? In a rollout, too, it is all of it.',
      kind: 'number',
      unit: 'ratio',
      thresholds: [
        { value: 1, severity: 'warning', below: true },
        { value: 0.5, severity: 'critical', below: true },
      ],
      noData: noKubernetes,
      queries: [
        {
          legend: 'ready',
          source: 'kube-state-metrics',
          expression: (scope) =>
            `max(kube_deployment_status_replicas_ready${ofDeployment(scope)}) / (max(kube_deployment_spec_replicas${ofDeployment(scope)}) > 0)`,
        },
      ],
    },
    {
      id: 'scale-events',
      title: 'Scaling in 24 hours',
      question: 'How often did the HPA decide for more instances, and for fewer?',
      kind: 'number',
      unit: 'count',
      noData: 'No HPA has decided anything in 24 hours: there is none, or kube-state-metrics is missing.',
      queries: [
        { legend: 'scale-out', source: 'kube-state-metrics', expression: scaleOuts },
        { legend: 'scale-in', source: 'kube-state-metrics', expression: scaleIns },
      ],
    },
    {
      id: 'network',
      title: 'Network in and out',
      question: 'How many bytes per second do the pods of the service receive and send?',
      kind: 'lines',
      unit: 'bytes-per-second',
      noData: noContainers,
      queries: [
        { legend: 'in', source: 'cadvisor', expression: (scope) => bytes(scope, 'receive') },
        { legend: 'out', source: 'cadvisor', expression: (scope) => bytes(scope, 'transmit') },
      ],
    },
  ],
};
