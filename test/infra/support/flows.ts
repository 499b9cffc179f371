// Says whether a connection, or a question and its answer, comes about, from the routes, network ACLs and security groups of a template: request and reply.
import { idOf, type Json, ofType, type Template } from './templates.ts';

export interface Host {
  ip: string;
  /** Logical ids of its security groups. @default none looks at it: outside, or a service of AWS */
  groups?: readonly string[];
  /** Reached through the gateway endpoint of S3, if the subnet has one. */
  s3?: boolean;
}
export interface Flow {
  from: Host;
  to: Host;
  port: number;
  /** Port that the client opened, to which the reply goes. */
  replyPort: number;
  /** @default tcp */
  protocol?: Protocol;
}
export type Protocol = 'tcp' | 'udp';
/** As access lists number them; groups use the names. Source: IANA, "Protocol Numbers". */
const numberOf: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17 };
type Properties = Record<string, Json>;

const number = (ip: string) => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
export function inRange(ip: string, cidr: Json | undefined): boolean {
  if (typeof cidr !== 'string') return false;
  const [base, bits] = cidr.split('/') as [string, string];
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(ip) / size) === Math.floor(number(base) / size);
}

/** @returns undefined when it comes about, else what stops it */
export function blocked(template: Template, { from, to, port, replyPort, protocol = 'tcp' }: Flow): string | undefined {
  const all = (type: string) => Object.values(ofType(template, type)).map(({ Properties }) => Properties);
  const subnetOf = (ip: string) =>
    Object.entries(ofType(template, 'AWS::EC2::Subnet')).find(([, { Properties: p }]) => inRange(ip, p.CidrBlock))?.[0];
  const attached = (type: string, wanted: string, subnet: string) =>
    idOf(all(type).find((p) => idOf(p.SubnetId) === subnet)?.[wanted]);

  function acl(subnet: string | undefined, egress: boolean, peer: string, target: number): string | undefined {
    if (subnet === undefined) return undefined;
    const id = attached('AWS::EC2::SubnetNetworkAclAssociation', 'NetworkAclId', subnet);
    const first = all('AWS::EC2::NetworkAclEntry')
      .filter((p) => idOf(p.NetworkAclId) === id && (p.Egress ?? false) === egress && inRange(peer, p.CidrBlock))
      .filter(
        (p) =>
          p.Protocol === -1 ||
          (p.Protocol === numberOf[protocol] && covers(p.PortRange as Properties, target, 'From', 'To')),
      )
      .sort((a, b) => Number(a.RuleNumber) - Number(b.RuleNumber))[0];
    const action = first?.RuleAction ?? 'deny';
    return action === 'allow' ? undefined : `ACL of ${subnet}, ${egress ? 'out' : 'in'} ${peer} ${target}`;
  }

  function group(host: Host, peer: Host, direction: 'Ingress' | 'Egress'): string | undefined {
    if (host.groups === undefined) return undefined;
    const peerKey = direction === 'Ingress' ? 'SourceSecurityGroupId' : 'DestinationSecurityGroupId';
    const rules = host.groups.flatMap((id) => [
      ...((template.Resources[id]?.Properties[`SecurityGroup${direction}`] ?? []) as Properties[]),
      ...all(`AWS::EC2::SecurityGroup${direction}`).filter((p) => idOf(p.GroupId) === id),
    ]);
    const admits = rules.some(
      (p) =>
        (inRange(peer.ip, p.CidrIp) || (peer.groups ?? []).includes(idOf(p[peerKey]) ?? '-')) &&
        (p.IpProtocol === '-1' || (p.IpProtocol === protocol && covers(p, port, 'FromPort', 'ToPort'))),
    );
    return admits ? undefined : `security group of ${host.ip}, ${direction}`;
  }

  /** Logical id of where a subnet sends what is for an address outside: gateway, NAT gateway, transit gateway or endpoint. */
  function gateway(subnet: string, target: Host): string | undefined {
    const table = attached('AWS::EC2::SubnetRouteTableAssociation', 'RouteTableId', subnet);
    const endpoint = Object.entries(ofType(template, 'AWS::EC2::VPCEndpoint')).find(
      ([, { Properties: p }]) =>
        p.VpcEndpointType === 'Gateway' && (p.RouteTableIds as Json[]).some((each) => idOf(each) === table),
    )?.[0];
    if (target.s3 && endpoint !== undefined) return endpoint;
    const bits = ({ DestinationCidrBlock }: Properties) => Number(String(DestinationCidrBlock).split('/')[1]);
    const [route] = all('AWS::EC2::Route')
      .filter((p) => idOf(p.RouteTableId) === table && inRange(target.ip, p.DestinationCidrBlock))
      .sort((a, b) => bits(b) - bits(a));
    // What somebody has connected is known by its id alone.
    return idOf(route?.GatewayId) ?? idOf(route?.NatGatewayId) ?? (route?.TransitGatewayId as string | undefined);
  }

  const source = subnetOf(from.ip);
  const target = subnetOf(to.ip);
  const legs = (): (string | undefined)[] => {
    if (source !== undefined && source === target) return [];
    const there = [acl(source, true, to.ip, port), acl(target, false, from.ip, port)];
    const back = [acl(target, true, from.ip, replyPort), acl(source, false, to.ip, replyPort)];
    if (source !== undefined && target !== undefined) return [...there, ...back];
    const inside = (source ?? target) as string;
    const via = gateway(inside, source === undefined ? from : to);
    if (via === undefined) return [`no route between ${inside} and outside`];
    const nat = ofType(template, 'AWS::EC2::NatGateway')[via];
    if (nat === undefined) return [...there, ...back];
    if (source === undefined) return [`${inside} is behind NAT: nothing gets in`];
    const middle = idOf(nat.Properties.SubnetId) as string;
    return [
      ...[...there, ...back],
      ...[acl(middle, false, from.ip, port), acl(middle, true, to.ip, port)],
      ...[acl(middle, false, to.ip, replyPort), acl(middle, true, from.ip, replyPort)],
    ];
  };
  return [group(from, to, 'Egress'), group(to, from, 'Ingress'), ...legs()].find((fault) => fault !== undefined);
}

const covers = (p: Properties | undefined, port: number, from: string, to: string): boolean =>
  p !== undefined && Number(p[from]) <= port && port <= Number(p[to]);
