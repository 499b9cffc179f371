import { RemovalPolicy, Tags } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { clusterName, loadBalancerGroupName, prefix } from '../../config/aws-names.ts';
import { NetworkAcls } from '../constructs/network-acls.ts';
import { SecurityGroups } from '../constructs/security-groups.ts';
import { PlannedVpc } from '../constructs/vpc.ts';
import { type AwsEnvironment, podPort, ports } from '../environment.ts';
import { EnvironmentStack } from './base.ts';

/** VPC, who may reach whom in it, and its ways out. */
export class NetworkStack extends EnvironmentStack {
  readonly vpc: PlannedVpc;
  readonly groups: SecurityGroups;

  constructor(scope: Construct, environment: AwsEnvironment) {
    super(scope, 'network', environment, 'VPC, subnets, access lists, security groups, endpoints, flow logs');
    const { network: subnets, aws, loadBalancer } = environment;
    const name = prefix(environment);
    const { endpoint, allowedCidrs } = aws.cluster;
    // A public endpoint looks at the address itself.
    const operatorCidrs = endpoint === 'private' ? allowedCidrs : [];
    this.vpc = new PlannedVpc(this, 'vpc', { name, zones: aws.zones, natGateways: aws.natGateways, subnets });
    tagForLoadBalancers(this.vpc, clusterName(environment));

    new NetworkAcls(this, 'acls', {
      vpc: this.vpc,
      subnets,
      podPort: podPort(environment),
      storePorts: [ports.postgres, ports.redis],
      operatorCidrs,
    });
    this.groups = new SecurityGroups(this, 'groups', {
      vpc: this.vpc,
      prefix: name,
      loadBalancerName: loadBalancerGroupName(environment),
      clusterName: clusterName(environment),
      podPort: podPort(environment),
      tls: loadBalancer.domain !== undefined,
      operatorCidrs,
    });

    this.vpc.addGatewayEndpoint('s3', {
      service: ec2.GatewayVpcEndpointAwsService.S3,
      subnets: [this.vpc.tier('private')],
    });
    this.vpc.addInterfaceEndpoint('secrets-manager', {
      service: ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
      subnets: this.vpc.tier('private'),
      securityGroups: [this.groups.endpoints],
      open: false,
    });
    this.vpc.addFlowLog('flow-log', {
      destination: ec2.FlowLogDestination.toCloudWatchLogs(
        new logs.LogGroup(this, 'flow-logs', {
          logGroupName: `/${environment.service.name}/${environment.name}/vpc-flow`,
          retention: aws.logDays,
          removalPolicy: aws.protectData ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
        }),
      ),
      trafficType: ec2.FlowLogTrafficType.ALL,
    });
  }
}

/** Source: AWS Load Balancer Controller, "Subnet auto-discovery"; Karpenter, "subnetSelectorTerms". */
function tagForLoadBalancers(vpc: PlannedVpc, cluster: string): void {
  for (const { subnets, tag } of [
    { subnets: vpc.publicSubnets, tag: 'kubernetes.io/role/elb' },
    { subnets: vpc.privateSubnets, tag: 'kubernetes.io/role/internal-elb' },
  ]) {
    for (const subnet of subnets) Tags.of(subnet).add(tag, '1');
  }
  for (const subnet of vpc.privateSubnets) Tags.of(subnet).add('karpenter.sh/discovery', cluster);
}
