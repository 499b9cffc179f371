import { blocked, type Flow, type Host, type Protocol } from './support/flows.ts';
import { type HostName, hosts } from './support/hosts.ts';
import { idOf, ofType, only, propertiesOf, type Template, template } from './support/templates.ts';
import { makeVariants } from './support/variants.ts';

/** Where clients open connections from: the lowest port there is, Linux, and the highest. */
const replyPorts = [1024, 32_768, 65_535];

function answers(
  of: Template,
  environment: string,
  from: HostName,
  to: HostName,
  port: number,
  protocol?: Protocol,
): (string | undefined)[] {
  const all = hosts(of, environment);
  return replyPorts.map((replyPort) => blocked(of, { from: all[from], to: all[to], port, replyPort, protocol }));
}

describe.each(['production', 'staging'])('in %s', (environment) => {
  const of = template(environment, 'network');

  it.each([
    ['internet', 'loadBalancer', 80],
    ['loadBalancer', 'pod', 3000],
    ['loadBalancer', 'podInOtherZone', 3000],
    ['pod', 'podInOtherZone', 53],
    ['pod', 'podInOtherZone', 9090],
    ['pod', 'database', 5432],
    ['podInOtherZone', 'database', 5432],
    ['pod', 'cache', 6379],
    ['pod', 's3', 443],
    ['pod', 'secretsManager', 443],
    ['pod', 'internet', 443],
    ['podInOtherZone', 'internet', 443],
    ['pod', 'apiServer', 443],
    ['apiServer', 'podInOtherZone', 10_250],
    ['apiServer', 'pod', 9443],
    ['apiServer', 'pod', 6443],
    ['kubectlFunction', 'apiServerInItsGroup', 443],
    ['kubectlFunction', 's3', 443],
    ['kubectlFunction', 'internet', 443],
    ['rotation', 'database', 5432],
    ['rotation', 'cache', 6379],
    ['rotation', 'secretsManager', 443],
    ['rotation', 'internet', 443],
  ] as const)('%s reaches %s on %i', (from, to, port) => {
    expect(answers(of, environment, from, to, port)).toEqual(replyPorts.map(() => undefined));
  });

  it.each([
    ['internet', 'loadBalancer', 443],
    ['internet', 'loadBalancer', 22],
    ['internet', 'pod', 3000],
    ['internet', 'pod', 10_250],
    ['internet', 'apiServer', 443],
    ['internet', 'database', 5432],
    ['internet', 'cache', 6379],
    ['loadBalancer', 'pod', 9090],
    ['loadBalancer', 'pod', 22],
    ['loadBalancer', 'database', 5432],
    ['loadBalancer', 'cache', 6379],
    ['loadBalancer', 'internet', 443],
    ['pod', 'database', 22],
    ['pod', 'database', 6379],
    ['pod', 'cache', 5432],
    ['pod', 'internet', 25],
    ['pod', 'internet', 80],
    ['pod', 'loadBalancer', 80],
    ['rotation', 'pod', 3000],
    ['rotation', 'apiServer', 443],
    ['database', 'internet', 443],
    ['cache', 'internet', 443],
    ['database', 'pod', 3000],
    ['kubectlFunction', 'database', 5432],
    ['strangerInPublicSubnet', 'database', 5432],
    ['strangerInPublicSubnet', 'pod', 3000],
    ['strangerInPrivateSubnet', 'database', 5432],
    ['strangerInPrivateSubnet', 'cache', 6379],
    ['strangerInPrivateSubnet', 'pod', 3000],
    ['strangerInPrivateSubnet', 'secretsManager', 443],
  ] as const)('%s does not reach %s on %i', (from, to, port) => {
    for (const answer of answers(of, environment, from, to, port)) expect(answer).toBeDefined();
  });

  it('DNS, which is UDP first: pods reach those of another zone, and nobody else', () => {
    const ask = (from: HostName, to: HostName, port = 53) => answers(of, environment, from, to, port, 'udp');
    expect(ask('pod', 'podInOtherZone')).toEqual(replyPorts.map(() => undefined));
    expect(ask('podInOtherZone', 'pod')).toEqual(replyPorts.map(() => undefined));
    for (const answer of [
      ...ask('pod', 'internet'),
      ...ask('pod', 'database'),
      ...ask('pod', 'database', 5432),
      ...ask('loadBalancer', 'pod', 3000),
      ...ask('internet', 'pod'),
      ...ask('strangerInPrivateSubnet', 'pod'),
    ])
      expect(answer).toBeDefined();
  });

  it('database subnets reach each other', () => {
    const { database, databaseInOtherZone } = hosts(of, environment);
    const bare = ({ ip }: typeof database) => ({ ip });
    for (const replyPort of replyPorts) {
      expect(
        blocked(of, { from: bare(database), to: bare(databaseInOtherZone), port: 5432, replyPort }),
      ).toBeUndefined();
    }
  });
});

/** Stacks of production with some values changed. */
function changedStacks(change: object): Record<'network' | 'cluster', Template> {
  const made = makeVariants('production', { changed: change });
  const stacks = { network: made.of('changed', 'network'), cluster: made.of('changed', 'cluster') };
  made.remove();
  return stacks;
}
const changed = (change: object) => changedStacks(change).network;

it('E2 with a domain the internet reaches the load balancer on 443 as well, and Nginx in front of the service', () => {
  const of = changed({ proxy: true, loadBalancer: { domain: 'api.example.org' } });
  for (const port of [80, 443])
    expect(answers(of, 'production', 'internet', 'loadBalancer', port)).toEqual(replyPorts.map(() => undefined));
  expect(answers(of, 'production', 'loadBalancer', 'pod', 8080)).toEqual(replyPorts.map(() => undefined));
  for (const answer of answers(of, 'production', 'loadBalancer', 'pod', 3000)) expect(answer).toBeDefined();
});

describe('C1 pods on Fargate', () => {
  let network: Template;
  let onFargate: Host;
  let all: Record<HostName, Host>;
  beforeAll(() => {
    const stacks = changedStacks({ aws: { cluster: { fargateNamespaces: ['batch'] } } });
    network = stacks.network;
    all = hosts(network, 'production');
    // A profile without subnets of its own has those of the cluster, which are the private ones.
    expect(only(stacks.cluster, 'AWS::EKS::FargateProfile').Subnets).toBeUndefined();
    onFargate = { ip: '10.0.12.80', groups: groupsOfPolicy(stacks.cluster, network) };
  });

  /** Logical ids of the groups that the SecurityGroupPolicy gives, which it knows by an export of the network. */
  function groupsOfPolicy(cluster: Template, of: Template): string[] {
    const [policy] = propertiesOf(cluster, 'Custom::AWSCDK-EKS-KubernetesResource').filter((each) =>
      JSON.stringify(each).includes('SecurityGroupPolicy'),
    );
    const names = [...JSON.stringify(policy).matchAll(/"Fn::ImportValue":"([^"]+)"/g)].map(([, name]) => name);
    return names.map((name) => {
      const output = Object.values(of.Outputs ?? {}).find(({ Export }) => Export?.Name === name);
      return idOf(output?.Value) ?? `nothing is exported as ${name}`;
    });
  }
  const between = (from: Host, to: Host, port: number, protocol?: Protocol) =>
    replyPorts.map((replyPort) => blocked(network, { from, to, port, replyPort, protocol }));

  it.each([
    ['pod', 53],
    ['apiServer', 443],
    ['database', 5432],
    ['cache', 6379],
    ['secretsManager', 443],
    ['s3', 443],
    ['internet', 443],
  ] as const)('reach %s on %i', (to, port) => {
    expect(between(onFargate, all[to], port)).toEqual(replyPorts.map(() => undefined));
  });

  it.each([
    ['loadBalancer', 3000],
    ['apiServer', 10_250],
    ['pod', 9090],
  ] as const)('are reached by %s on %i', (from, port) => {
    expect(between(all[from], onFargate, port)).toEqual(replyPorts.map(() => undefined));
  });

  it('have DNS, which is UDP first', () => {
    for (const pod of [all.pod, all.podInOtherZone])
      expect(between(onFargate, pod, 53, 'udp')).toEqual(replyPorts.map(() => undefined));
  });

  it('reach and are reached by nothing else', () => {
    const no = replyPorts.map(() => expect.any(String));
    expect(between(onFargate, all.database, 22)).toEqual(no);
    expect(between(onFargate, all.internet, 80)).toEqual(no);
    expect(between(all.internet, onFargate, 3000)).toEqual(no);
    expect(between(all.loadBalancer, onFargate, 22)).toEqual(no);
    expect(between(all.strangerInPrivateSubnet, onFargate, 3000)).toEqual(no);
  });

  it('would have neither DNS nor stores without the policy', () => {
    const inTheGroupOfTheCluster = { ip: onFargate.ip };
    for (const [to, port] of [
      ['pod', 53],
      ['database', 5432],
      ['cache', 6379],
    ] as const)
      expect(between(inTheGroupOfTheCluster, all[to], port)[0]).toContain('Ingress');
    expect(between(inTheGroupOfTheCluster, all.pod, 53, 'udp')[0]).toContain('Ingress');
  });
});

describe('C1 with a private endpoint', () => {
  let of: Template;
  beforeAll(() => {
    of = changed({ aws: { cluster: { endpoint: 'private', allowedCidrs: ['10.20.0.0/16'] } } });
  });

  /** As somebody does who connects two networks: see the manual steps of a deployment. */
  function connected(network: Template, range: string): Template {
    const tables = Object.values(ofType(network, 'AWS::EC2::SubnetRouteTableAssociation'))
      .filter(({ Properties }) => JSON.stringify(Properties.SubnetId).includes('private'))
      .map(({ Properties }) => Properties.RouteTableId as never);
    expect(tables).toHaveLength(2);
    const routes = tables.map((RouteTableId, index) => [
      `way${index}`,
      { Type: 'AWS::EC2::Route', Properties: { RouteTableId, DestinationCidrBlock: range, TransitGatewayId: 'tgw-1' } },
    ]);
    return { Resources: { ...network.Resources, ...Object.fromEntries(routes) } };
  }

  it('operators reach the API server once their network is connected, and nothing else does', () => {
    const network = connected(of, '10.20.0.0/15');
    const yes = replyPorts.map(() => undefined);
    expect(answers(network, 'production', 'operator', 'apiServer', 443)).toEqual(yes);
    expect(answers(network, 'production', 'pod', 'apiServer', 443)).toEqual(yes);
    for (const [from, to, port] of [
      ['neighbourOfOperator', 'apiServer', 443],
      ['operator', 'apiServer', 22],
      ['operator', 'pod', 3000],
      ['operator', 'pod', 443],
      ['operator', 'database', 5432],
      ['internet', 'apiServer', 443],
    ] as const) {
      for (const answer of answers(network, 'production', from, to, port)) expect(answer).toBeDefined();
    }
  });

  it('the connection is needed, the rule of the group and both rules of the access list', () => {
    const without = (network: Template, unwanted: (text: string, type: string) => boolean): Template => ({
      Resources: Object.fromEntries(
        Object.entries(network.Resources).filter(([, each]) => !unwanted(JSON.stringify(each), each.Type)),
      ),
    });
    const [said] = answers(of, 'production', 'operator', 'apiServer', 443);
    expect(said).toContain('behind NAT');
    const network = connected(of, '10.20.0.0/16');
    const lists = without(
      network,
      (text, type) => type === 'AWS::EC2::NetworkAclEntry' && text.includes('10.20.0.0/16'),
    );
    expect(Object.keys(network.Resources).length - Object.keys(lists.Resources).length).toBe(2);
    expect(answers(lists, 'production', 'operator', 'apiServer', 443)[0]).toContain('ACL of');
    const publicly = connected(template('production', 'network'), '10.20.0.0/16');
    expect(answers(publicly, 'production', 'operator', 'apiServer', 443)[0]).toContain('security group of');
  });

  it('a range in a private subnet, from which Client VPN sends, is admitted as well', () => {
    const inside = changed({ aws: { cluster: { endpoint: 'private', allowedCidrs: ['10.0.12.64/26'] } } });
    const { apiServer: to } = hosts(inside, 'production');
    const reach = (ip: string) => blocked(inside, { from: { ip }, to, port: 443, replyPort: 32_768 });
    expect(reach('10.0.12.70')).toBeUndefined();
    expect(reach('10.0.12.170')).toContain('security group');
  });
});

describe('the evaluator sees', () => {
  const base = template('production', 'network');
  const all = hosts(base, 'production');
  const flow = (from: HostName, to: HostName, port: number): Flow => ({
    from: all[from],
    to: all[to],
    port,
    replyPort: 32_768,
  });
  /** The template without the resources of a type that match. */
  function without(type: string, matches: (properties: Record<string, unknown>) => boolean): Template {
    const gone = Object.entries(ofType(base, type))
      .filter(([, { Properties }]) => matches(Properties))
      .map(([id]) => id);
    expect(gone.length).toBeGreaterThan(0);
    return { Resources: Object.fromEntries(Object.entries(base.Resources).filter(([id]) => !gone.includes(id))) };
  }
  const entry = (egress: boolean, from: number) => (p: Record<string, unknown>) =>
    (p.Egress ?? false) === egress && (p.PortRange as { From: number } | undefined)?.From === from;

  it.each([
    [
      'a reply that an ACL refuses',
      without('AWS::EC2::NetworkAclEntry', entry(true, 1024)),
      flow('pod', 'database', 5432),
      'ACL',
    ],
    [
      'a reply from the internet that an ACL refuses',
      without('AWS::EC2::NetworkAclEntry', entry(false, 1024)),
      flow('pod', 's3', 443),
      'ACL',
    ],
    [
      'an ACL without the port',
      without('AWS::EC2::NetworkAclEntry', entry(false, 5432)),
      flow('pod', 'database', 5432),
      'ACL',
    ],
    [
      'a missing route',
      without('AWS::EC2::Route', (p) => p.NatGatewayId !== undefined),
      flow('pod', 'internet', 443),
      'no route',
    ],
    [
      'a missing rule of a group',
      without('AWS::EC2::SecurityGroupIngress', (p) => p.FromPort === 5432),
      flow('pod', 'database', 5432),
      'Ingress',
    ],
    [
      'a missing rule the other way',
      without('AWS::EC2::SecurityGroupEgress', (p) => p.FromPort === 6379),
      flow('pod', 'cache', 6379),
      'Egress',
    ],
  ] as const)('%s', (_, template, asked, reason) => {
    expect(blocked(base, asked)).toBeUndefined();
    expect(blocked(template, asked)).toContain(reason);
  });

  it.each([
    ['AWS::EC2::NetworkAclEntry', 'Protocol', -1, 6, 'ACL'],
    ['AWS::EC2::SecurityGroupIngress', 'IpProtocol', '-1', 'tcp', 'Ingress'],
    ['AWS::EC2::SecurityGroupEgress', 'IpProtocol', '-1', 'tcp', 'Egress'],
  ] as const)(
    'a lack of UDP, and of nothing else, when %s admits TCP in place of all protocols',
    (type, key, every, tcp, reason) => {
      const narrowed = structuredClone(base);
      for (const { Properties } of Object.values(ofType(narrowed, type)).filter(
        (each) => each.Properties[key] === every,
      ))
        Object.assign(Properties, { [key]: tcp, FromPort: 0, ToPort: 65_535, PortRange: { From: 0, To: 65_535 } });
      const question = flow('pod', 'podInOtherZone', 53);
      expect(blocked(narrowed, question)).toBeUndefined();
      expect(blocked(base, { ...question, protocol: 'udp' })).toBeUndefined();
      expect(blocked(narrowed, { ...question, protocol: 'udp' })).toContain(reason);
    },
  );

  it('that objects do not need NAT once S3 has its endpoint', () => {
    const noNat = without('AWS::EC2::Route', (p) => p.NatGatewayId !== undefined);
    expect(blocked(noNat, flow('pod', 's3', 443))).toBeUndefined();
    const neither: Template = {
      Resources: Object.fromEntries(
        Object.entries(noNat.Resources).filter(([, r]) => r.Type !== 'AWS::EC2::VPCEndpoint'),
      ),
    };
    expect(blocked(neither, flow('pod', 's3', 443))).toContain('no route');
  });

  it('a rule that opens a database to the world', () => {
    const opened: Template = structuredClone(base);
    const [id] = all.database.groups as [string];
    (opened.Resources[id] as { Properties: Record<string, unknown> }).Properties.SecurityGroupIngress = [
      { CidrIp: '0.0.0.0/0', IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432 },
    ];
    expect(blocked(base, flow('strangerInPrivateSubnet', 'database', 5432))).toContain('security group');
    const { strangerInPrivateSubnet: from, database: to } = all;
    expect(blocked(opened, { from: { ip: from.ip }, to, port: 5432, replyPort: 1024 })).toBeUndefined();
  });
});
