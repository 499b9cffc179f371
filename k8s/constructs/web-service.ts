import { createHash } from 'node:crypto';
import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { type Identity, labels, selectorLabels } from './labels.ts';
import { overlay } from './overlay.ts';
import {
  hardenedContainer,
  hardenedPod,
  type Resources,
  resources,
  type SecretFiles,
  secretMount,
  secretVolume,
  settingsDir,
} from './pod.ts';
import { proxyContainer, proxyVolumes, type Sidecar } from './proxy.ts';

export interface WebServiceProps {
  namespace: string;
  identity: Identity;
  /** repository:tag, with a digest where there is one */
  image: string;
  /** @default the entry point of the image, without arguments */
  args?: string[];
  httpPort: number;
  /** @default no metrics */
  metricsPort?: number | undefined;
  probes: { readiness: string; liveness: string };
  /** Variables that are no secret; a change of them rolls the pods. */
  settings: Readonly<Record<string, string | undefined>>;
  /** Files of secrets, in the folder that SETTINGS_DIR names. @default none */
  secret?: SecretFiles | undefined;
  resources: Resources;
  /** Fixed number of pods; leave it out under an HPA, which would be set back by every apply. */
  replicas?: number | undefined;
  surge: number;
  progressDeadlineSeconds: number;
  preStopSeconds: number;
  terminationGraceSeconds: number;
  /** A pod on a node that does not answer is replaced after so long. */
  evictAfterSeconds: number;
  /** Capacity that pods prefer to run on, as node groups of EKS label it. @default any */
  capacity?: 'on-demand' | 'spot' | undefined;
  /** Nginx in front of the container. @default none */
  proxy?: Sidecar | undefined;
}

/** How long a pod may take to get ready before it is started again. */
const startupSeconds = 120;
const readinessPeriodSeconds = 5;
const livenessPeriodSeconds = 10;
/** A stuck process has nothing to drain: it is not given the minutes that the longest request would need. */
const stuckGraceSeconds = 10;

/** Deployment, ConfigMap, service account and disruption budget of a stateless service. */
export class WebService extends Construct {
  readonly deploymentName: string;
  readonly containerName: string;

  constructor(scope: Construct, id: string, props: WebServiceProps) {
    super(scope, id);
    const { namespace, identity } = props;
    const { name } = identity;
    this.deploymentName = name;
    this.containerName = name;
    const metadata = { namespace, name, labels: labels(identity) };
    const selector = { matchLabels: selectorLabels(identity) };

    new k8s.KubeServiceAccount(this, 'account', { metadata, automountServiceAccountToken: false });
    const data = Object.fromEntries(
      Object.entries(props.settings).filter(([, value]) => value !== undefined),
    ) as Record<string, string>;
    new k8s.KubeConfigMap(this, 'settings', { metadata, data });
    new k8s.KubePodDisruptionBudget(this, 'disruption', {
      metadata,
      // A pod that is not ready must not keep a node from being drained.
      spec: { selector, maxUnavailable: k8s.IntOrString.fromNumber(1), unhealthyPodEvictionPolicy: 'AlwaysAllow' },
    });

    const deployment = new k8s.KubeDeployment(this, 'deployment', {
      metadata,
      spec: {
        ...(props.replicas === undefined ? {} : { replicas: props.replicas }),
        revisionHistoryLimit: 5,
        progressDeadlineSeconds: props.progressDeadlineSeconds,
        selector,
        strategy: {
          type: 'RollingUpdate',
          rollingUpdate: {
            maxUnavailable: k8s.IntOrString.fromNumber(0),
            maxSurge: k8s.IntOrString.fromNumber(props.surge),
          },
        },
        template: {
          metadata: {
            labels: labels(identity),
            annotations: {
              'checksum/settings': checksum(data),
              ...(props.proxy === undefined ? {} : { 'checksum/proxy': checksum(props.proxy.config) }),
            },
          },
          spec: podSpec(props),
        },
      },
    });
    // A wait of the kubelet: images need not hold a `sleep`.
    overlay(deployment, ['spec', 'template', 'spec', 'containers', 0, 'lifecycle'], {
      preStop: { sleep: { seconds: props.preStopSeconds } },
    });
  }
}

const checksum = (data: Readonly<Record<string, string>>) =>
  createHash('sha256').update(JSON.stringify(data)).digest('hex').slice(0, 16);

function podSpec(props: WebServiceProps): k8s.PodSpec {
  const { identity, proxy, secret } = props;
  const own = proxy === undefined ? 'http' : 'app';
  return {
    ...hardenedPod(),
    serviceAccountName: identity.name,
    terminationGracePeriodSeconds: props.terminationGraceSeconds,
    topologySpreadConstraints: spread(identity),
    ...(props.capacity === undefined ? {} : { affinity: { nodeAffinity: preferred(props.capacity) } }),
    tolerations: ['not-ready', 'unreachable'].map((condition) => ({
      key: `node.kubernetes.io/${condition}`,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: props.evictAfterSeconds,
    })),
    ...(proxy === undefined ? {} : { initContainers: [proxyContainer(proxy)] }),
    containers: [
      {
        ...hardenedContainer,
        name: identity.name,
        image: props.image,
        ...(props.args === undefined ? {} : { args: props.args }),
        ports: [
          { name: own, containerPort: props.httpPort },
          ...(props.metricsPort === undefined ? [] : [{ name: 'metrics', containerPort: props.metricsPort }]),
        ],
        envFrom: [{ configMapRef: { name: identity.name } }],
        ...(secret === undefined
          ? {}
          : { env: [{ name: 'SETTINGS_DIR', value: settingsDir }], volumeMounts: [secretMount] }),
        resources: resources(props.resources),
        startupProbe: probe(props.probes.liveness, own, { periodSeconds: 1, failureThreshold: startupSeconds }),
        readinessProbe: probe(props.probes.readiness, own, {
          periodSeconds: readinessPeriodSeconds,
          failureThreshold: 2,
        }),
        livenessProbe: probe(props.probes.liveness, own, {
          periodSeconds: livenessPeriodSeconds,
          failureThreshold: 3,
          terminationGracePeriodSeconds: stuckGraceSeconds,
        }),
      },
    ],
    volumes: [
      ...(secret === undefined ? [] : [secretVolume(secret)]),
      ...(proxy === undefined ? [] : proxyVolumes(proxy)),
    ],
  };
}

type ProbeTimes = Pick<k8s.Probe, 'periodSeconds' | 'failureThreshold' | 'terminationGracePeriodSeconds'>;

const probe = (path: string, port: string, times: ProbeTimes): k8s.Probe => ({
  httpGet: { path, port: k8s.IntOrString.fromString(port) },
  timeoutSeconds: 2,
  ...times,
});

/**
 * Evenly over zones, which is enforced, and over hosts, which is tried. Counted per revision, or the surge of a rollout
 * would leave the new pods wherever the old ones were not; nodes that are drained or lost do not count as a zone.
 */
function spread(identity: Identity): k8s.TopologySpreadConstraint[] {
  const common = {
    maxSkew: 1,
    labelSelector: { matchLabels: selectorLabels(identity) },
    matchLabelKeys: ['pod-template-hash'],
    nodeTaintsPolicy: 'Honor',
  };
  return [
    { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule', ...common },
    { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway', ...common },
  ];
}

const preferred = (capacity: 'on-demand' | 'spot'): k8s.NodeAffinity => ({
  preferredDuringSchedulingIgnoredDuringExecution: [
    {
      weight: 100,
      preference: {
        matchExpressions: [
          {
            key: 'eks.amazonaws.com/capacityType',
            operator: 'In',
            values: [capacity === 'spot' ? 'SPOT' : 'ON_DEMAND'],
          },
        ],
      },
    },
  ],
});
