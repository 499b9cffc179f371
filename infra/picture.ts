// Draws docs/aws-network.md from the templates. Usage: node infra/picture.ts TEMPLATES [--check]
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allStacks } from './stack-order.ts';

type Properties = Record<string, unknown>;
interface Resource {
  Type: string;
  Properties?: Properties;
}
interface Artifact {
  type: string;
  properties: { stackName: string; templateFile: string };
}

const page = fileURLToPath(new URL('../docs/aws-network.md', import.meta.url));
const drawn = 'slipway-production';

function read(folder: string): Map<string, Resource[]> {
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as {
    artifacts: Record<string, Artifact>;
  };
  return new Map(
    Object.values(manifest.artifacts)
      .filter(({ type }) => type === 'aws:cloudformation:stack')
      .map(({ properties: { stackName, templateFile } }) => {
        const { Resources } = JSON.parse(readFileSync(join(folder, templateFile), 'utf8')) as {
          Resources: Record<string, Resource>;
        };
        return [stackName, Object.entries(Resources).map(([id, resource]) => ({ id, ...resource }))];
      }),
  );
}

const text = (value: unknown) => JSON.stringify(value ?? null);
const properties = (resources: readonly Resource[], type: string) =>
  resources
    .filter(({ Type }) => Type === type)
    .map((each) => ({ id: (each as Resource & { id: string }).id, ...each.Properties })) as (Properties & {
    id: string;
  })[];

/** Name of the group that a rule refers to, without the environment. */
function groupName(groups: readonly (Properties & { id: string })[], reference: unknown): string {
  const found = groups.find(({ id }) => text(reference).includes(`"${id}"`));
  return String(found?.GroupName ?? '?').replace(`${drawn}-`, '');
}

function portsOf({ IpProtocol, FromPort }: Properties): string {
  return IpProtocol === '-1' ? 'all' : String(FromPort);
}

function flows(network: readonly Resource[]): string[][] {
  const groups = properties(network, 'AWS::EC2::SecurityGroup');
  const outside = groups.flatMap(({ SecurityGroupIngress, SecurityGroupEgress, ...group }) => {
    const own = groupName(groups, group.id);
    const rules = (list: unknown, isIngress: boolean) =>
      ((list ?? []) as Properties[])
        .filter(({ CidrIp }) => CidrIp === '0.0.0.0/0')
        .map((rule) => [
          isIngress ? 'internet' : own,
          isIngress ? own : 'internet',
          portsOf(rule),
          String(rule.Description),
        ]);
    return [...rules(SecurityGroupIngress, true), ...rules(SecurityGroupEgress, false)];
  });
  const inside = properties(network, 'AWS::EC2::SecurityGroupIngress').map((rule) => [
    groupName(groups, rule.SourceSecurityGroupId),
    groupName(groups, rule.GroupId),
    portsOf(rule),
    String(rule.Description),
  ]);
  return [...outside, ...inside].sort((a, b) => a.join().localeCompare(b.join()));
}

function borders(network: readonly Resource[]): string[][] {
  const lists = properties(network, 'AWS::EC2::NetworkAcl');
  return properties(network, 'AWS::EC2::NetworkAclEntry').map(
    ({ NetworkAclId, Egress, CidrBlock, PortRange, RuleNumber }) => {
      const list = lists.find(({ id }) => text(NetworkAclId).includes(`"${id}"`));
      const { From, To } = (PortRange ?? { From: 'all', To: 'all' }) as { From: unknown; To: unknown };
      const kind = /(public|private|database)/.exec(list?.id ?? '')?.[1] ?? '?';
      return [
        kind,
        Egress ? 'out' : 'in',
        String(RuleNumber),
        String(CidrBlock),
        From === To ? String(From) : `${From}–${To}`,
      ];
    },
  );
}

/** What is put into subnets: its type, and the property that names them. The load balancer comes of the Ingress, by a tag. */
const placed: readonly { type: string; property: string; what: string }[] = [
  { type: 'AWS::EC2::NatGateway', property: 'SubnetId', what: 'NAT gateway' },
  { type: 'AWS::EC2::VPCEndpoint', property: 'SubnetIds', what: 'endpoint of Secrets Manager' },
  { type: 'AWS::EKS::Cluster', property: 'ResourcesVpcConfig', what: 'API server' },
  { type: 'AWS::EKS::Nodegroup', property: 'Subnets', what: 'nodes and pods' },
  { type: 'AWS::Lambda::Function', property: 'VpcConfig', what: 'functions' },
  { type: 'AWS::RDS::DBSubnetGroup', property: 'SubnetIds', what: 'PostgreSQL' },
  { type: 'AWS::ElastiCache::SubnetGroup', property: 'SubnetIds', what: 'Redis' },
];

/** What is in the subnet of this logical id, which other stacks import by a name that holds it. */
function residents(stacks: ReadonlyMap<string, Resource[]>, subnet: string): string[] {
  const own = ['network', 'data', 'cluster'].flatMap((name) => stacks.get(`${drawn}-${name}`) ?? []);
  const found = placed.filter(({ type, property }) =>
    properties(own, type).some((each) => text(each[property]).includes(subnet)),
  );
  const [tagged] = own.filter((each) => (each as Resource & { id: string }).id === subnet);
  const isForLoadBalancers = text(tagged?.Properties?.Tags).includes('"kubernetes.io/role/elb"');
  return [...(isForLoadBalancers ? ['load balancer'] : []), ...found.map(({ what }) => what)];
}

/** Ways out of the VPC: whose routes lead where. */
function waysOut(network: readonly Resource[]): string[] {
  const zones = [...new Set(subnets(network).map(({ zone }) => zone))];
  const tables = new Map(
    properties(network, 'AWS::EC2::SubnetRouteTableAssociation').map(({ RouteTableId, SubnetId }) => [
      text(RouteTableId),
      SubnetId,
    ]),
  );
  const boxOf = (reference: unknown): string => {
    const found = subnets(network).find(({ id }) => text(reference).includes(`"${id}"`));
    return found === undefined ? '?' : `${found.kind}${zones.indexOf(found.zone)}`;
  };
  const nats = properties(network, 'AWS::EC2::NatGateway');
  const routes = properties(network, 'AWS::EC2::Route').map(({ RouteTableId, NatGatewayId }) => {
    const from = boxOf(tables.get(text(RouteTableId)));
    const nat = nats.find(({ id }) => text(NatGatewayId).includes(`"${id}"`));
    return nat === undefined ? `  ${from} <--> internet` : `  ${from} -->|NAT| ${boxOf(nat.SubnetId)}`;
  });
  const endpoints = properties(network, 'AWS::EC2::VPCEndpoint').flatMap(({ VpcEndpointType, RouteTableIds }) =>
    VpcEndpointType === 'Gateway'
      ? (RouteTableIds as unknown[]).map((each) => `  ${boxOf(tables.get(text(each)))} --> s3`)
      : [],
  );
  return ['  internet(("internet"))', '  s3[("S3, by its gateway endpoint")]', ...routes, ...endpoints];
}

function subnets(network: readonly Resource[]): { id: string; zone: string; kind: string; cidr: string }[] {
  return properties(network, 'AWS::EC2::Subnet').map(({ id, AvailabilityZone, CidrBlock, Tags }) => ({
    id,
    zone: String(AvailabilityZone),
    cidr: String(CidrBlock),
    kind: (Tags as { Key: string; Value: string }[]).find(({ Key }) => Key === 'aws-cdk:subnet-name')?.Value ?? '?',
  }));
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

function draw(stacks: ReadonlyMap<string, Resource[]>): string {
  const network = stacks.get(`${drawn}-network`) ?? [];
  const all = subnets(network);
  const zones = [...new Set(all.map(({ zone }) => zone))];
  const boxes = zones.map(
    (zone, index) =>
      `  subgraph z${index}[${zone}]\n${all
        .filter((each) => each.zone === zone)
        .map(({ kind, cidr, id }) => {
          const inside = residents(stacks, id);
          return `    ${kind}${index}["${[`${kind} ${cidr}`, ...inside].join('<br>')}"]`;
        })
        .join('\n')}\n  end`,
  );
  const arrows = flows(network).filter(([from, to]) => from !== to);
  const joined = new Map<string, string[]>();
  for (const [from, to, port] of arrows as [string, string, string][]) {
    joined.set(`${from} ${to}`, [...(joined.get(`${from} ${to}`) ?? []), port]);
  }
  const lines = [...joined].map(([pair, ports]) => `  ${pair.replace(' ', ` -->|${ports.join(', ')}| `)}`);
  return `# The network, as the templates have it

Made from the templates of production by \`make infra-docs\`; a change made here is lost.

\`\`\`mermaid
flowchart TB
${boxes.join('\n')}
${waysOut(network).join('\n')}
\`\`\`

Who may open a connection to whom (security groups):

\`\`\`mermaid
flowchart LR
${lines.join('\n')}
\`\`\`

${table(['from', 'to', 'port', 'what for'], flows(network))}

What may cross the border of a subnet (network ACLs; everything else is refused):

${table(['subnets', 'direction', 'rule', 'peer', 'TCP ports'], borders(network))}

Stacks, in the order of deployment:

${table(
  ['stack', 'resources'],
  ['registry', ...allStacks.map((name) => `production-${name}`)].map((name) => [
    `slipway-${name}`,
    String(stacks.get(`slipway-${name}`)?.length ?? 0),
  ]),
)}
`;
}

const made = draw(read(process.argv[2] as string));
if (!process.argv.includes('--check')) writeFileSync(page, made);
else if (readFileSync(page, 'utf8') !== made) {
  process.stderr.write('docs/aws-network.md is not what the templates say: make infra-docs\n');
  process.exitCode = 1;
}
