import { ApiObject } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { type Identity, labels, selectorLabels } from './labels.ts';
import { requestRateMetric } from './scaling.ts';

export interface MonitorProps {
  namespace: string;
  identity: Identity;
  /** Name of the Service's port that serves /metrics. */
  port: string;
}

/** Tells the Prometheus Operator to scrape every pod behind a Service. */
export class Monitor extends Construct {
  constructor(scope: Construct, id: string, { namespace, identity, port }: MonitorProps) {
    super(scope, id);
    new ApiObject(this, 'monitor', {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'ServiceMonitor',
      metadata: { namespace, name: identity.name, labels: labels(identity) },
      spec: {
        selector: { matchLabels: selectorLabels(identity) },
        namespaceSelector: { matchNames: [namespace] },
        endpoints: [
          {
            port,
            path: '/metrics',
            // As often as the HPA looks.
            interval: '15s',
            scrapeTimeout: '10s',
          },
        ],
        podTargetLabels: ['app.kubernetes.io/version'],
      },
    });
  }
}

export interface RequestRateRulesProps {
  /** Namespace of prometheus-adapter. */
  namespace: string;
  identity: Identity;
  /** Counter of requests, with the labels `namespace` and `pod`. */
  counter: string;
  /** Namespace whose pods are counted. */
  podNamespace: string;
}

/** The rule by which prometheus-adapter serves the rate of requests of each pod, to be given to it as its configuration. */
export class RequestRateRules extends Construct {
  constructor(scope: Construct, id: string, { namespace, identity, counter, podNamespace }: RequestRateRulesProps) {
    super(scope, id);
    new k8s.KubeConfigMap(this, 'rules', {
      metadata: { namespace, name: `${identity.name}-metrics-adapter`, labels: labels(identity) },
      data: {
        'config.yaml': `rules:
  - seriesQuery: '${counter}{namespace="${podNamespace}",pod!=""}'
    resources:
      overrides:
        namespace: { resource: namespace }
        pod: { resource: pod }
    name:
      as: ${requestRateMetric}
    metricsQuery: 'sum(rate(<<.Series>>{<<.LabelMatchers>>}[1m])) by (<<.GroupBy>>)'
`,
      },
    });
  }
}
