import { alarmTopicArn, stackName, zoneParameter } from '../../config/aws-names.ts';
import { within } from '../../config/cidr.ts';
import type { AwsEnvironment } from '../environment.ts';
import { principal } from './preflight.ts';

/** Something that only a person can do, with the command or place for it. */
export interface ManualStep {
  what: string;
  how: string;
}

export function manualSteps(environment: AwsEnvironment): ManualStep[] {
  const { aws, region, loadBalancer } = environment;
  const { zone, alertEmails, cluster } = aws;
  const { domain } = loadBalancer;
  return [
    ...(cluster.endpoint === 'private' ? [wayToApiServer(environment)] : []),
    ...cluster.adminRoleArns.map((arn) => {
      const { kind, name } = principal(arn);
      return { what: `${arn} must exist before`, how: `aws iam get-${kind} --${kind}-name ${name}` };
    }),
    {
      what: 'activate the cost allocation tags, once, a day after the first deployment; in an organization only its management account can, which pays for this one',
      how: 'aws ce update-cost-allocation-tags-status --cost-allocation-tags-status TagKey=service,Status=Active TagKey=environment,Status=Active',
    },
    ...alertEmails.map((address) => ({
      what: `${address} confirms the subscriptions to both topics of the alarms`,
      how: 'the links in the mails',
    })),
    ...(alertEmails.length === 0
      ? [
          {
            what: 'aws.alertEmails is empty: nobody hears of an alert or alarm until somebody subscribes, a pager to the topic of pages as a rule',
            how: `aws sns subscribe --topic-arn ${alarmTopicArn(environment, 'page')} --protocol https --notification-endpoint URL --region ${region}`,
          },
        ]
      : []),
    ...(domain !== undefined && zone === undefined
      ? [
          {
            what: `aws.zone is not set: before, have ACM issue a certificate for ${domain}; afterwards, point the name to the load balancer`,
            how: `aws acm request-certificate --domain-name ${domain} --validation-method DNS --region ${region}`,
          },
        ]
      : []),
    ...(zone !== undefined && zone.id === undefined
      ? [
          {
            what: `delegate ${zone.name} to the name servers of its new zone as soon as there is one: the certificate, and with it the deployment, waits for it`,
            how: `aws route53 get-hosted-zone --query DelegationSet.NameServers --id $(aws ssm get-parameter --name ${zoneParameter(environment)} --query Parameter.Value --output text --region ${region})`,
          },
        ]
      : []),
  ];
}

/** What no stack makes of the way to a private API server: the connection between two networks, and the routes back. */
function wayToApiServer(environment: AwsEnvironment): ManualStep {
  const { name, region, network, aws } = environment;
  const { allowedCidrs } = aws.cluster;
  const connected = `as soon as there is ${stackName(environment, 'network')}`;
  const inside = allowedCidrs.filter((cidr) => within(cidr, network.vpcCidr));
  const outside = allowedCidrs.filter((cidr) => !inside.includes(cidr));
  const tables = `$(aws ec2 describe-route-tables --filters 'Name=tag:Name,Values=${name}/network/vpc/private*' 'Name=tag:service,Values=${environment.service.name}' --query 'RouteTables[].RouteTableId' --output text --region ${region})`;
  return outside.length > 0
    ? {
        what: `aws.cluster.endpoint is private: ${connected}, connect the network of ${outside.join(', ')} to its VPC by VPN, transit gateway or peering, with a route to ${network.vpcCidr} there and routes back here; until then only stacks can be made`,
        how: `for table in ${tables}; do for range in ${outside.join(' ')}; do aws ec2 create-route --route-table-id $table --destination-cidr-block $range --transit-gateway-id TGW --region ${region}; done; done`,
      }
    : {
        what: `aws.cluster.endpoint is private: ${connected}, make a way into ${inside.join(', ')}, by Client VPN or a machine there, with a security group of its own (the default one lets nothing through); until then only stacks can be made`,
        how: `aws ec2 associate-client-vpn-target-network --client-vpn-endpoint-id ID --subnet-id $(aws ec2 describe-subnets --filters Name=cidr-block,Values=${network.privateCidrs[0]} 'Name=tag:service,Values=${environment.service.name}' --query 'Subnets[0].SubnetId' --output text --region ${region}) --region ${region}`,
      };
}
