// What may cross the border of each kind of subnet. Everything else is refused; replies are listed, because these lists keep no state.
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import type { PlannedVpc, SubnetPlan, tiers } from './vpc.ts';

/** A port, a range of ports, or every protocol and port. */
type Ports = number | readonly [number, number] | 'all';
interface Rule {
  peer: string;
  ports: Ports;
}
interface Rules {
  ingress: readonly Rule[];
  egress: readonly Rule[];
}

const internet = '0.0.0.0/0';
/** Ports that clients, NAT gateways, load balancers and Lambda functions open connections from. Source: VPC user guide, "Ephemeral ports". */
const ephemeral = [1024, 65_535] as const;

export interface NetworkAclsProps {
  vpc: PlannedVpc;
  subnets: SubnetPlan;
  podPort: number;
  storePorts: readonly number[];
  /** Ranges that reach the API server inside the VPC, beside the nodes. */
  operatorCidrs: readonly string[];
}

export class NetworkAcls extends Construct {
  constructor(scope: Construct, id: string, props: NetworkAclsProps) {
    super(scope, id);
    const { vpc, subnets, podPort, storePorts, operatorCidrs } = props;
    const all = (peers: readonly string[], ports: Ports): Rule[] => peers.map((peer) => ({ peer, ports }));
    const { publicCidrs, privateCidrs, databaseCidrs } = subnets;
    const rules: Record<keyof typeof tiers, Rules> = {
      public: {
        // Clients of the load balancer, what nodes send through NAT, and replies to both.
        ingress: [
          { peer: internet, ports: 80 },
          { peer: internet, ports: 443 },
          { peer: internet, ports: ephemeral },
        ],
        egress: [{ peer: internet, ports: 443 }, ...all(privateCidrs, podPort), { peer: internet, ports: ephemeral }],
      },
      private: {
        ingress: [
          ...all(privateCidrs, 'all'),
          ...all(publicCidrs, podPort),
          // Replies of AWS and registries through NAT or the S3 endpoint, and of the data stores.
          { peer: internet, ports: ephemeral },
          ...all(operatorCidrs, 443),
        ],
        egress: [
          ...all(privateCidrs, 'all'),
          { peer: internet, ports: 443 },
          ...all(publicCidrs, ephemeral),
          ...storePorts.flatMap((port) => all(databaseCidrs, port)),
          ...all(operatorCidrs, ephemeral),
        ],
      },
      database: {
        ingress: [...storePorts.flatMap((port) => all(privateCidrs, port)), ...all(databaseCidrs, 'all')],
        egress: [...all(privateCidrs, ephemeral), ...all(databaseCidrs, 'all')],
      },
    };
    for (const [tier, { ingress, egress }] of Object.entries(rules) as [keyof typeof tiers, Rules][]) {
      const acl = new ec2.NetworkAcl(this, tier, {
        vpc,
        subnetSelection: vpc.tier(tier),
        networkAclName: `${vpc.node.id}-${tier}`,
      });
      add(acl, 'in', ec2.TrafficDirection.INGRESS, ingress);
      add(acl, 'out', ec2.TrafficDirection.EGRESS, egress);
    }
  }
}

function add(acl: ec2.NetworkAcl, prefix: string, direction: ec2.TrafficDirection, rules: readonly Rule[]): void {
  rules.forEach(({ peer, ports }, index) => {
    acl.addEntry(`${prefix}-${index}`, {
      cidr: ec2.AclCidr.ipv4(peer),
      ruleNumber: (index + 1) * 10,
      traffic: traffic(ports),
      direction,
      ruleAction: ec2.Action.ALLOW,
    });
  });
}

function traffic(ports: Ports): ec2.AclTraffic {
  if (ports === 'all') return ec2.AclTraffic.allTraffic();
  return typeof ports === 'number' ? ec2.AclTraffic.tcpPort(ports) : ec2.AclTraffic.tcpPortRange(ports[0], ports[1]);
}
