import { Tags } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { ports } from '../environment.ts';

export interface SecurityGroupsProps {
  vpc: ec2.IVpc;
  /** Start of each group's name. */
  prefix: string;
  /** Name by which the Ingress finds the load balancer's group. */
  loadBalancerName: string;
  clusterName: string;
  podPort: number;
  /** Whether the load balancer also speaks TLS. */
  tls: boolean;
  /** Ranges that reach the API server inside the VPC, beside the nodes. */
  operatorCidrs: readonly string[];
}

/** Groups of everything that speaks in the VPC. They admit one another by reference; by address only who has no group here. */
export class SecurityGroups extends Construct {
  readonly loadBalancer: ec2.SecurityGroup;
  readonly controlPlane: ec2.SecurityGroup;
  readonly nodes: ec2.SecurityGroup;
  readonly rotation: ec2.SecurityGroup;
  readonly endpoints: ec2.SecurityGroup;
  readonly database: ec2.SecurityGroup;
  readonly cache: ec2.SecurityGroup;

  constructor(scope: Construct, id: string, props: SecurityGroupsProps) {
    super(scope, id);
    const { vpc, prefix, loadBalancerName, clusterName, podPort, tls, operatorCidrs } = props;
    const group = (name: string, description: string, securityGroupName = `${prefix}-${name}`) => {
      const made = new ec2.SecurityGroup(this, name, {
        vpc,
        description,
        securityGroupName,
        allowAllOutbound: false,
      });
      // The load balancer controller finds a group by this tag, not by the group's name.
      Tags.of(made).add('Name', securityGroupName);
      return made;
    };
    this.loadBalancer = group('load-balancer', 'The load balancer', loadBalancerName);
    this.controlPlane = group('control-plane', 'Interfaces of the API server in the VPC');
    this.nodes = group('nodes', 'Nodes and the pods on them');
    this.rotation = group('rotation', 'Functions that rotate passwords');
    this.endpoints = group('endpoints', 'Interface endpoints of AWS services');
    this.database = group('database', 'PostgreSQL');
    this.cache = group('cache', 'Redis');

    const allow = (from: ec2.SecurityGroup, to: ec2.SecurityGroup, port: ec2.Port, what: string) => {
      from.addEgressRule(to, port, what);
      to.addIngressRule(from, port, what);
    };
    this.loadBalancer.addIngressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(80), tls ? 'Redirected to HTTPS' : 'HTTP');
    if (tls) this.loadBalancer.addIngressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(ports.https), 'HTTPS');
    allow(this.loadBalancer, this.nodes, ec2.Port.tcp(podPort), 'Requests and health checks to pods');

    allow(this.nodes, this.nodes, ec2.Port.allTraffic(), 'Pods among each other; NetworkPolicy narrows it');
    allow(this.nodes, this.controlPlane, ec2.Port.tcp(ports.https), 'API server');
    for (const cidr of operatorCidrs) {
      this.controlPlane.addIngressRule(ec2.Peer.ipv4(cidr), ec2.Port.tcp(ports.https), 'API server, for operators');
    }
    for (const { port, what } of controlPlaneCalls) {
      allow(this.controlPlane, this.nodes, ec2.Port.tcp(port), what);
    }
    this.nodes.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(ports.https), 'AWS APIs and image registries');

    for (const client of [this.nodes, this.rotation]) {
      allow(client, this.database, ec2.Port.tcp(ports.postgres), 'PostgreSQL');
      allow(client, this.cache, ec2.Port.tcp(ports.redis), 'Redis');
    }
    allow(this.nodes, this.endpoints, ec2.Port.tcp(ports.https), 'Secrets Manager');
    allow(this.rotation, this.endpoints, ec2.Port.tcp(ports.https), 'Secrets Manager');
    this.rotation.addEgressRule(
      ec2.Peer.anyIpv4(),
      ec2.Port.tcp(ports.https),
      'API of ElastiCache, which has no endpoint here',
    );
    // By this tag the load balancer controller finds the group to open to its load balancers.
    Tags.of(this.nodes).add(`kubernetes.io/cluster/${clusterName}`, 'owned');
  }
}

/** What the API server calls on nodes and pods. */
const controlPlaneCalls = [
  { port: 10_250, what: 'kubelet, metrics-server, webhooks of External Secrets and of the Prometheus operator' },
  { port: 9443, what: 'Webhooks of the load balancer controller and of CloudWatch' },
  { port: 6443, what: 'prometheus-adapter' },
];
