// What goes on inside each process: event loop, garbage collection, memory, burners.
import type { Row } from '../model.ts';
import { ofContainer, ofService } from '../selectors.ts';
import { notScraped } from './traffic.ts';

export const runtimeRow: Row = {
  title: 'Node runtime',
  panels: [
    {
      id: 'event-loop',
      title: 'Event-loop delay: p99',
      question: 'Does something keep the event loop busy, so that every request of that instance waits?',
      kind: 'lines',
      unit: 'seconds',
      thresholds: [
        { value: 0.05, severity: 'warning' },
        { value: 0.2, severity: 'critical' },
      ],
      noData: notScraped,
      queries: [
        {
          legend: '{{pod}}',
          source: 'service',
          expression: (scope) => `max by (pod) (nodejs_eventloop_lag_p99_seconds${ofService(scope)})`,
        },
      ],
    },
    {
      id: 'gc',
      title: 'Time spent on garbage collection',
      question: 'What share of its time does each instance spend on collecting garbage?',
      kind: 'lines',
      unit: 'ratio',
      thresholds: [
        { value: 0.05, severity: 'warning' },
        { value: 0.2, severity: 'critical' },
      ],
      noData: notScraped,
      queries: [
        {
          legend: '{{pod}}',
          source: 'service',
          expression: (scope) =>
            `sum by (pod) (rate(nodejs_gc_duration_seconds_sum${ofService(scope)}[${scope.range}]))`,
        },
      ],
    },
    {
      id: 'heap',
      title: 'Heap in use',
      question: 'Does the heap of an instance grow without end?',
      kind: 'lines',
      unit: 'bytes',
      noData: notScraped,
      queries: [
        {
          legend: '{{pod}}',
          source: 'service',
          expression: (scope) => `sum by (pod) (nodejs_heap_size_used_bytes${ofService(scope)})`,
        },
      ],
    },
    {
      id: 'memory',
      title: 'Resident memory and its limit',
      question: 'How near is each instance to the limit at which the kernel kills it?',
      kind: 'lines',
      unit: 'bytes',
      noData: notScraped,
      queries: [
        {
          legend: '{{pod}}',
          source: 'service',
          expression: (scope) => `sum by (pod) (process_resident_memory_bytes${ofService(scope)})`,
        },
        {
          legend: 'limit',
          source: 'kube-state-metrics',
          expression: (scope) => `min(kube_pod_container_resource_limits${ofContainer(scope, 'resource="memory"')})`,
        },
      ],
    },
    {
      id: 'working-set',
      title: 'Memory as the kubelet counts it',
      question: 'What does the container hold, page cache in use included, by which the kubelet evicts?',
      kind: 'lines',
      unit: 'bytes',
      noData: 'No series of cAdvisor: Prometheus does not scrape the kubelets, or there are none here.',
      queries: [
        {
          legend: '{{pod}}',
          source: 'cadvisor',
          expression: (scope) => `sum by (pod) (container_memory_working_set_bytes${ofContainer(scope)})`,
        },
      ],
    },
    {
      id: 'burners',
      title: 'Busy burners',
      question: 'Is /load at its limit, so that more of it is refused with 503?',
      kind: 'lines',
      unit: 'count',
      noData: notScraped,
      queries: [
        {
          legend: '{{pod}}',
          source: 'service',
          expression: (scope) => `sum by (pod) (burners_busy${ofService(scope)})`,
        },
      ],
    },
  ],
};
