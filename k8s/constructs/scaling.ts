import { k8s } from 'cdk8s-plus-28';
import { Construct } from 'constructs';
import { requestRateMetric } from '../../observability/request-rate.ts';
import { type Identity, labels } from './labels.ts';
import { overlay } from './overlay.ts';
import { costScaleIn, type Profile, profiles } from './scaling-profiles.ts';

export interface ScalingProps {
  namespace: string;
  identity: Identity;
  /** The Deployment that is scaled, and the container whose usage counts: a sidecar's does not. */
  target: { deploymentName: string; containerName: string };
  profile: keyof typeof profiles;
  minReplicas: number;
  maxReplicas: number;
  /** @default as the profile says */
  scaleIn?: 'profile' | 'cost' | undefined;
  /** Length of windows and periods against those of the profile, in percent. @default 100 */
  windowPercent?: number | undefined;
  /** Also keep memory at this share of the request. @default CPU only */
  memoryPercent?: number | undefined;
  /** Also keep the rate of requests per replica at this. @default CPU only */
  requestsPerSecond?: number | undefined;
}

/** Scales a Deployment with its load. Of several metrics the one that wants most replicas counts. */
export class Scaling extends Construct {
  constructor(scope: Construct, id: string, props: ScalingProps) {
    super(scope, id);
    const { namespace, identity, target, windowPercent = 100 } = props;
    const profile = profiles[props.profile];
    const down = props.scaleIn === 'cost' ? costScaleIn : profile.down;
    const autoscaler = new k8s.KubeHorizontalPodAutoscalerV2(this, 'autoscaler', {
      metadata: { namespace, name: identity.name, labels: labels(identity) },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: target.deploymentName },
        minReplicas: props.minReplicas,
        maxReplicas: props.maxReplicas,
        metrics: metrics(props, profile),
        behavior: { scaleUp: behavior(profile.up, windowPercent), scaleDown: behavior(down, windowPercent) },
      },
    });
    overlay(autoscaler, ['spec', 'behavior', 'scaleUp', 'tolerance'], quantity(profile.up.tolerance));
    overlay(autoscaler, ['spec', 'behavior', 'scaleDown', 'tolerance'], quantity(down.tolerance));
  }
}

/** As the API server writes it back, so that a second apply finds no difference. */
const quantity = (share: number) => (share === 0 ? '0' : `${Math.round(share * 1000)}m`);

const behavior = ({ windowSeconds, policies }: Profile['up'], percent: number): k8s.HpaScalingRulesV2 => ({
  stabilizationWindowSeconds: Math.round((windowSeconds * percent) / 100),
  selectPolicy: 'Max',
  policies: policies.map(({ type, value, periodSeconds }) => ({
    type,
    value,
    // A sync comes every 15 s: a period below that would never be seen.
    periodSeconds: Math.max(Math.min(periodSeconds, 15), Math.round((periodSeconds * percent) / 100)),
  })),
});

function metrics(props: ScalingProps, profile: Profile): k8s.MetricSpecV2[] {
  const { target, memoryPercent, requestsPerSecond } = props;
  const resource = (name: 'cpu' | 'memory', averageUtilization: number): k8s.MetricSpecV2 => ({
    type: 'ContainerResource',
    containerResource: { name, container: target.containerName, target: { type: 'Utilization', averageUtilization } },
  });
  return [
    resource('cpu', profile.cpuPercent),
    ...(memoryPercent === undefined ? [] : [resource('memory', memoryPercent)]),
    ...(requestsPerSecond === undefined
      ? []
      : [
          {
            type: 'Pods',
            pods: {
              metric: { name: requestRateMetric },
              target: { type: 'AverageValue', averageValue: k8s.Quantity.fromNumber(requestsPerSecond) },
            },
          },
        ]),
  ];
}
