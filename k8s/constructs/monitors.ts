import { ApiObject, Yaml } from 'cdk8s';
import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { type Identity, labels, selectorLabels } from './labels.ts';

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

export interface AdapterRulesProps {
  /** Namespace of prometheus-adapter. */
  namespace: string;
  identity: Identity;
  /** As its configuration spells them. */
  rules: readonly object[];
}

/** Rules by which prometheus-adapter serves metrics, to be given to it as its configuration. */
export class AdapterRules extends Construct {
  constructor(scope: Construct, id: string, { namespace, identity, rules }: AdapterRulesProps) {
    super(scope, id);
    new k8s.KubeConfigMap(this, 'rules', {
      metadata: { namespace, name: `${identity.name}-metrics-adapter`, labels: labels(identity) },
      data: { 'config.yaml': Yaml.stringify({ rules }) },
    });
  }
}
