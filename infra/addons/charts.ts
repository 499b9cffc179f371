// Charts for which the blueprints have no add-on.
import { type ClusterInfo, HelmAddOn } from '@aws-quickstart/eks-blueprints';
import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { type AlertDelivery, alertmanagerConfig } from '../../observability/alertmanager.ts';
import { periodDays } from '../../observability/rules/objectives.ts';
import { charts } from './versions.ts';
import { volumeClass } from './volumes.ts';

const repository = 'https://prometheus-community.github.io/helm-charts';

class PrometheusChart extends HelmAddOn {
  readonly id: string;

  constructor(chart: string, version: string, namespace: string, values: Record<string, unknown>) {
    super({ name: chart, chart, release: chart, repository, version, namespace, values });
    this.id = chart;
  }

  override deploy(info: ClusterInfo): Promise<Construct> {
    return Promise.resolve(this.addHelmChart(info, this.props.values, true, true, Duration.minutes(15)));
  }
}

/** Whose rights Alertmanager has. */
export const alertmanagerAccount = 'alertmanager';

/** Prometheus and its operator, Alertmanager, and Grafana with the dashboards. */
export const kubePrometheusStack = (namespace: string, delivery: AlertDelivery) =>
  new PrometheusChart('kube-prometheus-stack', charts.kubePrometheusStack, namespace, {
    grafana: {
      // Reached by `kubectl port-forward`: no Service of it is open to anybody.
      service: { type: 'ClusterIP' },
      // Of the chart's own it would be one that everybody knows; without one it is drawn at random, into the Secret.
      adminPassword: '',
      // Dashboards come with what they show, as ConfigMaps of this label in any namespace.
      sidecar: {
        dashboards: { enabled: true, label: 'grafana_dashboard', labelValue: '1', searchNamespace: 'ALL' },
      },
    },
    alertmanager: {
      serviceAccount: { name: alertmanagerAccount },
      config: alertmanagerConfig(delivery),
    },
    // What the control plane of EKS does not show.
    kubeControllerManager: { enabled: false },
    kubeScheduler: { enabled: false },
    kubeEtcd: { enabled: false },
    kubeProxy: { enabled: false },
    prometheus: {
      prometheusSpec: {
        // What the objectives are held against (observability/rules/objectives.ts), and a little for the disk to spare.
        retention: `${periodDays}d`,
        retentionSize: '36GiB',
        // Monitors and rules of every namespace, whichever chart they come from.
        serviceMonitorSelectorNilUsesHelmValues: false,
        podMonitorSelectorNilUsesHelmValues: false,
        ruleSelectorNilUsesHelmValues: false,
        storageSpec: {
          volumeClaimTemplate: {
            spec: {
              storageClassName: volumeClass,
              accessModes: ['ReadWriteOnce'],
              // 100,000 series each 30 s, of one to two bytes a sample (Prometheus, "Storage"): up to 17 GB in 30 days, twice.
              resources: { requests: { storage: '40Gi' } },
            },
          },
        },
      },
    },
  });

/**
 * Serves metrics of Prometheus to the HPA.
 *
 * @param rules which metrics; not by the name of the ConfigMap of charts-out, which is applied after this chart and waited for by its pod
 */
export const prometheusAdapter = (namespace: string, rules: readonly object[]) =>
  new PrometheusChart('prometheus-adapter', charts.prometheusAdapter, namespace, {
    prometheus: { url: `http://kube-prometheus-stack-prometheus.${namespace}.svc`, port: 9090 },
    rules: { default: false, custom: rules },
  });
