// What must be on a cluster before the manifests of an environment are applied: how to see it, and how to get it.
import type { Environment } from '../../config/environment.ts';
import type { Prerequisite } from '../../config/schema.ts';
import { addons } from './addons.ts';
import { DeployError } from './command.ts';
import type { Cluster } from './context.ts';

/** Resolves with what is missing, or undefined when all is there. */
type Probe = (cluster: Cluster, stop: AbortSignal) => Promise<string | undefined>;

const get = async (cluster: Cluster, stop: AbortSignal, args: readonly string[]) =>
  (await cluster.kubectl(['get', ...args, '--ignore-not-found'], { stop })).trim();

/** An API that another server answers, such as that of metrics. */
const api =
  (name: string): Probe =>
  async (cluster, stop) => {
    const available = '--output=jsonpath={.status.conditions[?(@.type=="Available")].status}';
    const state = await get(cluster, stop, ['apiservice', name, available]);
    if (state === 'True') return undefined;
    return `the API ${name} is ${state === '' ? 'not there' : 'not available'}`;
  };

const definitions =
  (...names: string[]): Probe =>
  async (cluster, stop) => {
    const found = (await get(cluster, stop, ['customresourcedefinitions', ...names, '--output=name'])).split('\n');
    const missing = names.filter((name) => !found.some((each) => each.endsWith(`/${name}`)));
    return missing.length === 0 ? undefined : `no definition of ${missing.join(', ')}`;
  };

/** A controller by the name that its chart gives it. */
const controller =
  (name: string): Probe =>
  async (cluster, stop) => {
    const selector = `--selector=app.kubernetes.io/name=${name}`;
    const available = '--output=jsonpath={.items[*].status.availableReplicas}';
    const replicas = await get(cluster, stop, ['deployments', '--all-namespaces', selector, available]);
    return /[1-9]/.test(replicas) ? undefined : `no running controller ${name}`;
  };

const all =
  (...probes: Probe[]): Probe =>
  async (cluster, stop) => {
    const missing = (await Promise.all(probes.map((probe) => probe(cluster, stop)))).filter(
      (each) => each !== undefined,
    );
    return missing.length === 0 ? undefined : missing.join(', ');
  };

interface Check {
  probe: Probe;
  howToGet: string;
}

/** How each is seen, and how to get it. */
export const checks: Readonly<Record<Prerequisite, Check>> = {
  'metrics-server': {
    probe: api('v1beta1.metrics.k8s.io'),
    howToGet: `make cluster on a laptop, else kubectl apply -f ${addons.metricsServer.url}`,
  },
  'prometheus-operator': {
    probe: definitions(...addons.prometheusOperatorDefinitions.names),
    howToGet:
      'make cluster on a laptop, else the Helm chart prometheus-community/kube-prometheus-stack in the namespace monitoring, with --set prometheus.prometheusSpec.serviceMonitorSelectorNilUsesHelmValues=false,prometheus.prometheusSpec.ruleSelectorNilUsesHelmValues=false, so that it takes our ServiceMonitor and our rules',
  },
  'external-secrets': {
    probe: all(
      definitions('externalsecrets.external-secrets.io', 'secretstores.external-secrets.io'),
      controller('external-secrets'),
    ),
    howToGet: 'the Helm chart external-secrets/external-secrets',
  },
  'aws-load-balancer-controller': {
    probe: all(definitions('targetgroupbindings.elbv2.k8s.aws'), controller('aws-load-balancer-controller')),
    howToGet: 'the Helm chart eks/aws-load-balancer-controller',
  },
  'prometheus-adapter': {
    probe: api('v1beta1.custom.metrics.k8s.io'),
    howToGet:
      'the Helm chart prometheus-community/prometheus-adapter with --set rules.existing=<the ConfigMap of 70-monitoring.yaml, applied first>',
  },
};

/** @throws DeployError naming everything that the cluster lacks, and how to get it */
export async function insistOnPrerequisites(
  { name, prerequisites }: Environment,
  cluster: Cluster,
  stop: AbortSignal,
): Promise<void> {
  const missing = await Promise.all(
    prerequisites.map(async (each) => {
      const fault = await checks[each].probe(cluster, stop);
      return fault === undefined ? undefined : `  ${each}: ${fault}; get it: ${checks[each].howToGet}`;
    }),
  );
  const lines = missing.filter((each) => each !== undefined);
  if (lines.length === 0) return;
  throw new DeployError(
    `The cluster ${cluster.context} lacks what ${name} needs, so nothing was applied:\n${lines.join('\n')}`,
  );
}
