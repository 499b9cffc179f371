import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';

export interface SubnetPlan {
  vpcCidr: string;
  publicCidrs: readonly string[];
  privateCidrs: readonly string[];
  databaseCidrs: readonly string[];
}

/** Names of the three kinds of subnets. */
export const tiers = { public: 'public', private: 'private', database: 'database' } as const;

/** Hands out the written ranges instead of dividing the VPC evenly. */
function plannedAddresses(plan: SubnetPlan): ec2.IIpAddresses {
  const byTier: Record<string, readonly string[]> = {
    [tiers.public]: plan.publicCidrs,
    [tiers.private]: plan.privateCidrs,
    [tiers.database]: plan.databaseCidrs,
  };
  return {
    allocateVpcCidr: () => ({ cidrBlock: plan.vpcCidr }),
    allocateSubnetsCidr: ({ requestedSubnets }) => {
      const taken: Record<string, number> = {};
      return {
        allocatedSubnets: requestedSubnets.map(({ configuration: { name } }) => {
          const index = taken[name] ?? 0;
          taken[name] = index + 1;
          return { cidr: byTier[name]?.[index] as string };
        }),
      };
    },
  };
}

export interface PlannedVpcProps {
  name: string;
  zones: readonly string[];
  natGateways: number;
  subnets: SubnetPlan;
}

/** A VPC of exactly the written subnets, each kind in each zone: public, private with a way out, and isolated for data. */
export class PlannedVpc extends ec2.Vpc {
  constructor(scope: Construct, id: string, { name, zones, natGateways, subnets }: PlannedVpcProps) {
    super(scope, id, {
      vpcName: name,
      ipAddresses: plannedAddresses(subnets),
      availabilityZones: [...zones],
      natGateways,
      restrictDefaultSecurityGroup: true,
      subnetConfiguration: [
        { name: tiers.public, subnetType: ec2.SubnetType.PUBLIC, mapPublicIpOnLaunch: false },
        { name: tiers.private, subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
        { name: tiers.database, subnetType: ec2.SubnetType.PRIVATE_ISOLATED },
      ],
    });
  }

  /** The subnets of a kind, in the order of the zones. */
  tier(name: keyof typeof tiers): ec2.SubnetSelection {
    return { subnetGroupName: tiers[name] };
  }
}
