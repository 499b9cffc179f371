// Alerts on what is not there: no data is a finding, not a quiet night.
import { ofDeployment, ofService } from '../selectors.ts';
import type { Alert } from './model.ts';

export const presenceAlerts: readonly Alert[] = [
  {
    name: 'ServiceDown',
    severity: 'page',
    runbook: 'Service down',
    summary: 'No replica of the service answers Prometheus',
    description:
      'Not one replica could be scraped for 2 minutes, or none is known: the service is away, or is not watched.',
    sources: ['service'],
    forSeconds: 120,
    expression: (scope) => `absent(up${ofService(scope)} == 1)`,
  },
  {
    name: 'ReplicaNotScraped',
    severity: 'ticket',
    runbook: 'Replica not scraped',
    summary: 'A replica does not answer Prometheus',
    description: 'The replica {{ $labels.pod }} could not be scraped for 10 minutes.',
    sources: ['service'],
    forSeconds: 600,
    expression: (scope) => `max by (namespace, service, pod) (up${ofService(scope)}) == 0`,
  },
  {
    name: 'ClusterStateUnknown',
    severity: 'ticket',
    runbook: 'Cluster state unknown',
    summary: 'Prometheus knows nothing of the Deployment',
    description:
      'No series of kube-state-metrics about it for 10 minutes: the alerts on replicas, rollouts and nodes are blind.',
    sources: ['kube-state-metrics'],
    forSeconds: 600,
    applies: ({ cluster }) => cluster !== undefined,
    expression: (scope) => `absent(kube_deployment_spec_replicas${ofDeployment(scope)})`,
  },
];
