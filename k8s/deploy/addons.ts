// What `make cluster` adds to a new cluster: the one place where these versions are pinned.

/** Source: github.com/kubernetes-sigs/metrics-server, releases. */
const metricsServerVersion = 'v0.8.0';
/** Source: github.com/prometheus-operator/prometheus-operator, releases. */
const prometheusOperatorVersion = 'v0.85.0';
const definitions = ['servicemonitors', 'prometheusrules'];

export const addons = {
  metricsServer: {
    version: metricsServerVersion,
    url: `https://github.com/kubernetes-sigs/metrics-server/releases/download/${metricsServerVersion}/components.yaml`,
  },
  /** The definitions alone: manifests that name them can then be applied, and nothing acts on them. */
  prometheusOperatorDefinitions: {
    version: prometheusOperatorVersion,
    names: definitions.map((plural) => `${plural}.monitoring.coreos.com`),
    urls: definitions.map(
      (plural) =>
        `https://raw.githubusercontent.com/prometheus-operator/prometheus-operator/${prometheusOperatorVersion}/example/prometheus-operator-crd/monitoring.coreos.com_${plural}.yaml`,
    ),
  },
};
