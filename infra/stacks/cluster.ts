import { EksBlueprintConstruct, GlobalResources, type ResourceProvider } from '@aws-quickstart/eks-blueprints';
import { CfnOutput, RemovalPolicy } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { CapacityType, KubernetesVersion, NodegroupAmiType } from 'aws-cdk-lib/aws-eks';
import * as eks from 'aws-cdk-lib/aws-eks-v2';
import * as kms from 'aws-cdk-lib/aws-kms';
import { HostedZone, type IHostedZone } from 'aws-cdk-lib/aws-route53';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import type { Construct, IConstruct } from 'constructs';
import { clusterName, filesBucket, prefix, type Severity, zoneParameter } from '../../config/aws-names.ts';
import { alertmanagerAccount } from '../addons/charts.ts';
import { ClusterProvider } from '../addons/cluster-provider.ts';
import { addOns, zoneResource } from '../addons/index.ts';
import { kubernetesVersion } from '../addons/versions.ts';
import { defaultVolumes } from '../addons/volumes.ts';
import { AlertSender } from '../constructs/alert-sender.ts';
import { addFargateNamespaces } from '../constructs/fargate-namespaces.ts';
import { allowFiles, type Files } from '../constructs/files-access.ts';
import { PodIdentity } from '../constructs/pod-identity.ts';
import { VolumeKey } from '../constructs/volume-key.ts';
import { WebIdentity } from '../constructs/web-identity.ts';
import type { AwsEnvironment } from '../environment.ts';
import { EnvironmentStack } from './base.ts';
import type { DataStack } from './data.ts';
import type { NetworkStack } from './network.ts';

export interface ClusterStackProps {
  network: NetworkStack;
  data: DataStack;
  /** Who is told of alerts. */
  topics: Record<Severity, ITopic>;
}

const given = <T extends IConstruct>(construct: T): ResourceProvider<T> => ({ provide: () => construct });

/** EKS and what stands on it. With it goes what Prometheus has measured, on a volume of its pod; all else is made again. */
export class ClusterStack extends EnvironmentStack {
  private constructor(scope: Construct, environment: AwsEnvironment) {
    super(scope, 'cluster', environment, 'EKS cluster, nodes, add-ons, identity of the pods');
  }

  /** The blueprint works asynchronously, which a constructor cannot. */
  static async create(scope: Construct, environment: AwsEnvironment, from: ClusterStackProps): Promise<ClusterStack> {
    const stack = new ClusterStack(scope, environment);
    await stack.#build(environment, from);
    return stack;
  }

  async #build(environment: AwsEnvironment, { network, data, topics }: ClusterStackProps): Promise<void> {
    const { aws, service, namespace } = environment;
    const key = new kms.Key(this, 'key', {
      alias: `${prefix(environment)}-cluster`,
      description: 'Secrets of Kubernetes',
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const volumeKey = new VolumeKey(this, 'volume-key', { prefix: prefix(environment) });
    const zone = this.#zone(environment);
    const blueprint = new EksBlueprintConstruct(this, {
      id: clusterName(environment),
      version: KubernetesVersion.of(kubernetesVersion),
      compatibilityMode: true,
      clusterProvider: this.#provider(environment, network, volumeKey),
      enableControlPlaneLogTypes: Object.values(eks.ClusterLoggingTypes) as never[],
      resourceProviders: new Map<string, ResourceProvider>([
        [GlobalResources.Vpc, given(network.vpc)],
        [GlobalResources.KmsKey, given(key)],
        ...(zone === undefined ? [] : [[zoneResource, given(zone)] as const]),
      ]),
      addOns: addOns(this, {
        environment,
        dataKey: data.key,
        volumeKey,
        nodesGroupId: network.groups.nodes.securityGroupId,
        hasZone: zone !== undefined,
      }),
      teams: [],
      capabilities: {},
    });
    await blueprint.waitForAsyncTasks();
    const cluster = blueprint.getClusterInfo().clusterv2;
    if (!(cluster instanceof eks.Cluster)) throw new Error('The blueprint made no cluster.');
    afterNodes(cluster, defaultVolumes(cluster, volumeKey));
    addFargateNamespaces(cluster, aws.cluster.fargateNamespaces, network.groups.nodes);
    // By name, not by place: EKS takes a principal once, and CloudFormation makes what is new before it deletes what is gone.
    for (const arn of aws.cluster.adminRoleArns) cluster.grantClusterAdmin(`admin-${arn}`, arn);
    new AlertSender(this, 'alert-sender', {
      cluster,
      namespace: environment.monitoringNamespace,
      serviceAccount: alertmanagerAccount,
      topics,
    });
    const files = { bucketName: filesBucket(environment), key: data.key };
    allowFiles(new PodIdentity(this, 'workload', { cluster, namespace, serviceAccount: service.name }).role, files);
    for (const each of aws.cluster.fargateNamespaces) this.#fargateRole(environment, cluster, each, files);
  }

  /** The service's role for pods on Fargate, where no agent of Pod Identity runs. */
  #fargateRole(environment: AwsEnvironment, cluster: eks.Cluster, namespace: string, files: Files): void {
    const serviceAccount = environment.service.name;
    const provider = cluster.openIdConnectProvider;
    const identity = new WebIdentity(this, `fargate-${namespace}`, { provider, namespace, serviceAccount });
    allowFiles(identity.role, files);
    new CfnOutput(identity, 'arn', {
      description: `Role of ${namespace}/${serviceAccount} on Fargate`,
      value: identity.role.roleArn,
      exportName: `${prefix(environment)}-fargate-${namespace}`,
    });
  }

  /** Of the domain, if there is one. */
  #zone(environment: AwsEnvironment): IHostedZone | undefined {
    const { zone } = environment.aws;
    if (zone === undefined) return undefined;
    const hostedZoneId = zone.id ?? ssm.StringParameter.valueForStringParameter(this, zoneParameter(environment));
    return HostedZone.fromHostedZoneAttributes(this, 'zone', { zoneName: zone.name, hostedZoneId });
  }

  #provider(environment: AwsEnvironment, { vpc, groups }: NetworkStack, volumeKey: kms.IKey): ClusterProvider {
    const { nodes, aws } = environment;
    const { endpoint, allowedCidrs, nodeDiskGiB, fargateNamespaces } = aws.cluster;
    const spot = nodes.capacity === 'spot';
    return new ClusterProvider({
      clusterName: clusterName(environment),
      version: eks.KubernetesVersion.of(kubernetesVersion),
      vpcSubnets: [vpc.tier('private')],
      securityGroup: groups.controlPlane,
      endpointAccess:
        endpoint === 'private'
          ? eks.EndpointAccess.PRIVATE
          : eks.EndpointAccess.PUBLIC_AND_PRIVATE.onlyFrom(...allowedCidrs),
      managedNodeGroups: [
        {
          // The name says what cannot be changed in place: another type is another group.
          id: ['base', nodes.capacity, ...nodes.instanceTypes].join('-').replaceAll('.', ''),
          minSize: nodes.count,
          desiredSize: nodes.count,
          // One more, for the time of an update.
          maxSize: nodes.count + 1,
          instanceTypes: nodes.instanceTypes.map((type) => new ec2.InstanceType(type)),
          amiType: NodegroupAmiType.AL2023_X86_64_STANDARD,
          nodeGroupCapacityType: spot ? CapacityType.SPOT : CapacityType.ON_DEMAND,
          nodeGroupSubnets: vpc.tier('private'),
          launchTemplate: {
            requireImdsv2: true,
            httpPutResponseHopLimit: 1,
            securityGroup: groups.nodes,
            blockDevices: [
              {
                deviceName: '/dev/xvda',
                volume: ec2.BlockDeviceVolume.ebs(nodeDiskGiB, {
                  encrypted: true,
                  kmsKey: volumeKey,
                  volumeType: ec2.EbsDeviceVolumeType.GP3,
                  deleteOnTermination: true,
                }),
              },
            ],
          },
        },
      ],
      ...(fargateNamespaces.length === 0
        ? {}
        : { fargateProfiles: { fargate: { selectors: fargateNamespaces.map((name) => ({ namespace: name })) } } }),
    });
  }
}

/** Charts wait for their pods, and pods for nodes and for the volumes that they ask for. */
function afterNodes(cluster: eks.Cluster, volumes: eks.KubernetesManifest): void {
  const made = cluster.stack.node.findAll();
  const nodes = made.filter((each) => each instanceof eks.Nodegroup);
  for (const chart of made.filter((each) => each instanceof eks.HelmChart)) chart.node.addDependency(...nodes, volumes);
}
