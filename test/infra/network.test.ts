import { network } from '../../config/network.ts';
import { hosts, routesOf, subnetsOf } from './support/hosts.ts';
import { idOf, ofType, only, propertiesOf, template } from './support/templates.ts';

const production = template('production', 'network');
const staging = template('staging', 'network');
const tagsOf = (properties: Record<string, unknown>) =>
  Object.fromEntries((properties.Tags as { Key: string; Value: string }[]).map(({ Key, Value }) => [Key, Value]));

const subnets = (environment: typeof production, cidrs: readonly string[]) =>
  subnetsOf(environment, cidrs).map((id) => environment.Resources[id]?.Properties as Record<string, unknown>);

describe.each([
  ['production', production],
  ['staging', staging],
])('the network of %s', (name, of) => {
  it('N1 is 10.0.0.0/16 in two zones', () => {
    expect(only(of, 'AWS::EC2::VPC')).toMatchObject({
      CidrBlock: '10.0.0.0/16',
      EnableDnsHostnames: true,
      EnableDnsSupport: true,
    });
    expect(new Set(propertiesOf(of, 'AWS::EC2::Subnet').map(({ AvailabilityZone }) => AvailabilityZone))).toEqual(
      new Set(['us-east-1a', 'us-east-1b']),
    );
  });

  it.each([
    ['N2', 'public', ['10.0.1.0/24', '10.0.2.0/24'], 'kubernetes.io/role/elb'],
    ['N3', 'private', ['10.0.11.0/24', '10.0.12.0/24'], 'kubernetes.io/role/internal-elb'],
    ['N4', 'database', ['10.0.21.0/24', '10.0.22.0/24'], undefined],
  ] as const)('%s has exactly these %s subnets, one a zone', (_, kind, cidrs, tag) => {
    const found = subnets(of, cidrs);
    expect(found.map(({ AvailabilityZone }) => AvailabilityZone)).toEqual(['us-east-1a', 'us-east-1b']);
    for (const each of found) {
      expect(tagsOf(each)['aws-cdk:subnet-name']).toBe(kind);
      if (tag !== undefined) expect(tagsOf(each)[tag]).toBe('1');
      expect(each.MapPublicIpOnLaunch).not.toBe(true);
    }
    expect(propertiesOf(of, 'AWS::EC2::Subnet')).toHaveLength(6);
    expect(network[`${kind}Cidrs`]).toEqual(cidrs);
  });

  it('N4 gives database subnets no way out', () => {
    for (const subnet of subnetsOf(of, network.databaseCidrs)) expect(routesOf(of, subnet)).toEqual([]);
  });

  it('N5 has the NAT gateways that are asked for, and each private subnet uses one', () => {
    const gateways = Object.keys(ofType(of, 'AWS::EC2::NatGateway'));
    expect(gateways).toHaveLength(name === 'production' ? 2 : 1);
    const used = subnetsOf(of, network.privateCidrs).map((subnet) => routesOf(of, subnet));
    expect(used).toEqual(
      name === 'production'
        ? gateways.map((id) => [`0.0.0.0/0 → ${id}`])
        : [0, 1].map(() => [`0.0.0.0/0 → ${gateways[0]}`]),
    );
  });

  it('N5 N8 puts nothing but NAT gateways in public subnets, which lead to the internet', () => {
    const open = subnetsOf(of, network.publicCidrs);
    const [internet] = Object.keys(ofType(of, 'AWS::EC2::InternetGateway'));
    for (const subnet of open) expect(routesOf(of, subnet)).toEqual([`0.0.0.0/0 → ${internet}`]);
    const inside = Object.entries(of.Resources)
      .filter(([, { Type }]) => !/Association$/.test(Type))
      .filter(([, { Properties }]) => open.some((id) => mentions(Properties, id)))
      .map(([, { Type }]) => Type);
    expect(new Set(inside)).toEqual(new Set(['AWS::EC2::NatGateway']));
    for (const stack of ['data', 'cluster', 'edge', 'operations']) {
      const text = JSON.stringify(template(name, stack));
      for (const id of open) expect(text).not.toContain(id);
    }
  });

  it('N6 every subnet has an access list of its kind, whose rules all allow something named', () => {
    const entries = propertiesOf(of, 'AWS::EC2::NetworkAclEntry');
    expect(ofType(of, 'AWS::EC2::SubnetNetworkAclAssociation')).not.toEqual({});
    expect(propertiesOf(of, 'AWS::EC2::SubnetNetworkAclAssociation')).toHaveLength(6);
    expect(new Set(entries.map(({ RuleAction }) => RuleAction))).toEqual(new Set(['allow']));
    expect(entries.filter(({ Protocol, CidrBlock }) => Protocol === -1 && CidrBlock === '0.0.0.0/0')).toEqual([]);
  });

  it('N7 security groups know each other by reference; only the load balancer admits the internet', () => {
    const fromAnywhere = Object.entries(ofType(of, 'AWS::EC2::SecurityGroup')).flatMap(([id, { Properties }]) =>
      ((Properties.SecurityGroupIngress ?? []) as { CidrIp: string; FromPort: number }[]).map(
        ({ CidrIp, FromPort }) => ({
          id,
          CidrIp,
          FromPort,
        }),
      ),
    );
    expect(fromAnywhere).toEqual([{ id: hosts(of, name).loadBalancer.groups?.[0], CidrIp: '0.0.0.0/0', FromPort: 80 }]);
    for (const rule of propertiesOf(of, 'AWS::EC2::SecurityGroupIngress')) {
      expect(idOf(rule.SourceSecurityGroupId)).toBeDefined();
      expect(rule.CidrIp).toBeUndefined();
    }
  });

  it('N7 leaves the default security group of the VPC empty', () => {
    expect(Object.keys(ofType(of, 'Custom::VpcRestrictDefaultSG'))).toHaveLength(1);
  });

  it('N8 has a gateway endpoint for S3 in every private route table, and one for Secrets Manager', () => {
    const [gateway] = propertiesOf(of, 'AWS::EC2::VPCEndpoint').filter((p) => p.VpcEndpointType === 'Gateway');
    expect(JSON.stringify(gateway?.ServiceName)).toContain('.s3');
    expect(gateway?.RouteTableIds).toHaveLength(2);
    const [secrets] = propertiesOf(of, 'AWS::EC2::VPCEndpoint').filter((p) => p.VpcEndpointType === 'Interface');
    expect(JSON.stringify(secrets?.ServiceName)).toContain('secretsmanager');
    expect(secrets?.PrivateDnsEnabled).toBe(true);
    expect(((secrets?.SubnetIds ?? []) as never[]).map(idOf)).toEqual(subnetsOf(of, network.privateCidrs));
  });

  it('N9 logs all flows, and keeps them as long as it says', () => {
    expect(only(of, 'AWS::EC2::FlowLog')).toMatchObject({ TrafficType: 'ALL', ResourceType: 'VPC' });
    const [log] = propertiesOf(of, 'AWS::Logs::LogGroup').filter((p) => p.LogGroupName === `/slipway/${name}/vpc-flow`);
    expect(log?.RetentionInDays).toBe(name === 'production' ? 90 : 14);
  });
});

function mentions(value: unknown, id: string): boolean {
  return JSON.stringify(value).includes(`"${id}"`);
}
