// What the stacks make in AWS and the load balancer controller looks for, in an emulator: subnets and security groups by their tags,
// the web ACL by its name, the certificate by its host. test/infra/names.test.ts holds that the templates call them so.
import { loadBalancerGroupName, webAclName } from '../../../config/aws-names.ts';
import type { Environment } from '../../../config/environment.ts';
import { network } from '../../../config/network.ts';
import type { Ministack } from '../../support/ministack.ts';

export interface EmulatedNetwork {
  vpc: string;
  publicSubnets: string[];
  /** Of load balancers, and of nodes and pods. */
  groups: { loadBalancer: string; nodes: string };
  certificateArn: string;
  webAclArn: string;
  /** A network interface with the nodes' security group, as the CNI attaches one for a pod. @returns its id */
  networkInterface(): Promise<string>;
}

/** What stands in each element of this name, in order; of elements without others in them. */
export const texts = (xml: string, element: string): string[] =>
  [...xml.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, 'g'))].map(([, text]) => text as string);
const one = (xml: string, element: string): string => {
  const [text] = texts(xml, element);
  if (text === undefined) throw new Error(`no ${element} in ${xml}`);
  return text;
};

export async function emulateNetwork(
  aws: Ministack,
  environment: Environment,
  domain: string,
): Promise<EmulatedNetwork> {
  const ec2 = (Action: string, params: Record<string, string>) => aws.query('ec2', '2016-11-15', { Action, ...params });
  const tag = (id: string, Key: string, Value: string) =>
    ec2('CreateTags', { 'ResourceId.1': id, 'Tag.1.Key': Key, 'Tag.1.Value': Value });
  const vpc = one(await ec2('CreateVpc', { CidrBlock: network.vpcCidr }), 'vpcId');
  const subnet = async (CidrBlock: string, zone: string, role: string) => {
    const AvailabilityZone = `${environment.region}${zone}`;
    const id = one(await ec2('CreateSubnet', { VpcId: vpc, CidrBlock, AvailabilityZone }), 'subnetId');
    await tag(id, `kubernetes.io/role/${role}`, '1');
    return id;
  };
  const group = async (GroupName: string) =>
    one(await ec2('CreateSecurityGroup', { VpcId: vpc, GroupName, GroupDescription: GroupName }), 'groupId');
  const subnets = (cidrs: readonly string[], role: string) =>
    Promise.all(cidrs.map((cidr, index) => subnet(cidr, 'ab'.charAt(index), role)));
  const publicSubnets = await subnets(network.publicCidrs, 'elb');
  const [privateSubnet] = await subnets(network.privateCidrs, 'internal-elb');
  const loadBalancer = await group(loadBalancerGroupName(environment));
  await tag(loadBalancer, 'Name', loadBalancerGroupName(environment));
  const nodes = await group('nodes');
  const acm = await aws.json<{ CertificateArn: string }>('acm', 'CertificateManager.RequestCertificate', {
    DomainName: domain,
    ValidationMethod: 'DNS',
  });
  const waf = await aws.json<{ Summary: { ARN: string } }>('wafv2', 'AWSWAF_20190729.CreateWebACL', {
    Name: webAclName(environment),
    Scope: 'REGIONAL',
    DefaultAction: { Allow: {} },
    Rules: [],
    VisibilityConfig: { SampledRequestsEnabled: false, CloudWatchMetricsEnabled: false, MetricName: 'none' },
  });
  return {
    vpc,
    publicSubnets,
    groups: { loadBalancer, nodes },
    certificateArn: acm.CertificateArn,
    webAclArn: waf.Summary.ARN,
    async networkInterface() {
      const made = await ec2('CreateNetworkInterface', {
        SubnetId: privateSubnet as string,
        'SecurityGroupId.1': nodes,
      });
      return one(made, 'networkInterfaceId');
    },
  };
}
