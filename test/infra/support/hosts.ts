// The hosts of an environment, for questions about who reaches whom.
import type { Host } from './flows.ts';
import { idOf, ofType, type Template } from './templates.ts';

/** Logical id of the group with this name. */
export function groupNamed(template: Template, name: string): string {
  const found = Object.entries(ofType(template, 'AWS::EC2::SecurityGroup')).find(
    ([, { Properties }]) => Properties.GroupName === name,
  );
  if (found === undefined) throw new Error(`no security group ${name}`);
  return found[0];
}

export type HostName =
  | 'internet'
  | 's3'
  | 'loadBalancer'
  | 'pod'
  | 'podInOtherZone'
  | 'operator'
  | 'neighbourOfOperator'
  | 'apiServer'
  | 'apiServerInItsGroup'
  | 'kubectlFunction'
  | 'rotation'
  | 'secretsManager'
  | 'database'
  | 'databaseInOtherZone'
  | 'cache'
  | 'strangerInPublicSubnet'
  | 'strangerInPrivateSubnet';

export function hosts(template: Template, environment: string): Record<HostName, Host> {
  const group = (name: string) => [groupNamed(template, `slipway-${environment}-${name}`)];
  return {
    internet: { ip: '198.51.100.7' },
    s3: { ip: '52.216.0.1', s3: true },
    loadBalancer: { ip: '10.0.1.20', groups: group('load-balancer') },
    pod: { ip: '10.0.11.30', groups: group('nodes') },
    podInOtherZone: { ip: '10.0.12.31', groups: group('nodes') },
    // In a network that somebody has connected to the VPC.
    operator: { ip: '10.20.3.4' },
    neighbourOfOperator: { ip: '10.21.3.4' },
    apiServer: { ip: '10.0.11.40', groups: group('control-plane') },
    // The CDK's function and the API server are both in the group that EKS makes, whose members reach each other: no template has it.
    apiServerInItsGroup: { ip: '10.0.11.40' },
    kubectlFunction: { ip: '10.0.12.70' },
    rotation: { ip: '10.0.12.50', groups: group('rotation') },
    secretsManager: { ip: '10.0.11.60', groups: group('endpoints') },
    database: { ip: '10.0.21.10', groups: group('database') },
    databaseInOtherZone: { ip: '10.0.22.11', groups: group('database') },
    cache: { ip: '10.0.22.12', groups: group('cache') },
    strangerInPublicSubnet: { ip: '10.0.2.99', groups: [] },
    strangerInPrivateSubnet: { ip: '10.0.12.99', groups: [] },
  };
}

/** Logical ids of the subnets of these ranges, in order. */
export const subnetsOf = (template: Template, cidrs: readonly string[]): string[] =>
  cidrs.map((cidr) => {
    const found = Object.entries(ofType(template, 'AWS::EC2::Subnet')).find(([, r]) => r.Properties.CidrBlock === cidr);
    if (found === undefined) throw new Error(`no subnet ${cidr}`);
    return found[0];
  });

/** Destinations and next hops of a subnet's route table, written `0.0.0.0/0 → id`. */
export function routesOf(template: Template, subnet: string): string[] {
  const table = Object.values(ofType(template, 'AWS::EC2::SubnetRouteTableAssociation')).find(
    ({ Properties }) => idOf(Properties.SubnetId) === subnet,
  )?.Properties.RouteTableId;
  return Object.values(ofType(template, 'AWS::EC2::Route'))
    .filter(({ Properties }) => idOf(Properties.RouteTableId) === idOf(table))
    .map(({ Properties: p }) => `${p.DestinationCidrBlock} → ${idOf(p.GatewayId) ?? idOf(p.NatGatewayId)}`);
}
