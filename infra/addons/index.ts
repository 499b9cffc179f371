// What is put on the cluster, in order.
import {
  CloudWatchInsights,
  type ClusterAddOn,
  CoreDnsAddOn,
  EksPodIdentityAgentAddOn,
  ExternalDnsAddOn,
  KubeProxyAddOn,
  MetricsServerAddOn,
  utils,
  VpcCniAddOn,
} from '@aws-quickstart/eks-blueprints';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { alarmTopicArn, clusterName, prefix, secretPrefix } from '../../config/aws-names.ts';
import { requestRateRule } from '../../observability/request-rate.ts';
import { type AwsEnvironment, costTags } from '../environment.ts';
import { kubePrometheusStack, prometheusAdapter } from './charts.ts';
import { externalSecrets } from './external-secrets.ts';
import { karpenter } from './karpenter.ts';
import { loadBalancerController } from './load-balancer-controller.ts';
import { charts, managed } from './versions.ts';
import { volumeDriver } from './volumes.ts';

// It tells the version of each add-on at every synth.
utils.userLog.settings.minLevel = 4;

/** Name under which the blueprint knows the hosted zone. */
export const zoneResource = 'zone';

export interface AddOnsInput {
  environment: AwsEnvironment;
  /** Of secrets. */
  dataKey: kms.IKey;
  /** Of disks and volumes. */
  volumeKey: kms.IKey;
  nodesGroupId: string;
  /** Whether the blueprint has a hosted zone under the name zoneResource. */
  hasZone: boolean;
}

export function addOns(scope: Construct, input: AddOnsInput): ClusterAddOn[] {
  const { environment, dataKey, volumeKey, nodesGroupId, hasZone } = input;
  const { monitoringNamespace, namespace, prerequisites, region } = environment;
  return [
    new VpcCniAddOn({ version: managed.vpcCni, enableNetworkPolicy: true }),
    new EksPodIdentityAgentAddOn(managed.podIdentityAgent),
    new KubeProxyAddOn(managed.kubeProxy),
    new CoreDnsAddOn(managed.coreDns),
    volumeDriver(costTags(environment)),
    loadBalancerController(costTags(environment)),
    new MetricsServerAddOn({ version: charts.metricsServer }),
    externalSecrets(scope, secretPrefix(environment), dataKey),
    ...(hasZone
      ? [new ExternalDnsAddOn({ version: charts.externalDns, hostedZoneResources: [zoneResource], values: dnsValues })]
      : []),
    new CloudWatchInsights({ version: managed.cloudWatch }),
    kubePrometheusStack(monitoringNamespace, {
      topics: { page: alarmTopicArn(environment, 'page'), ticket: alarmTopicArn(environment, 'ticket') },
      region,
      from: prefix(environment),
    }),
    ...(prerequisites.includes('prometheus-adapter')
      ? [prometheusAdapter(monitoringNamespace, [requestRateRule(namespace)])]
      : []),
    karpenter(environment, { cluster: clusterName(environment), nodesGroupId, volumeKey }),
  ];
}

/** Ingresses only. It makes and changes records, and deletes none: those of an Ingress that is gone stay in the zone. */
const dnsValues = { sources: ['ingress'], policy: 'upsert-only' };
