// Rules between the infrastructure's sizes and the rest of an environment.
import { isPrivate, isReserved, overlap, within } from './cidr.ts';
import type { DerivedEnvironment } from './derive.ts';
import { databaseMemoryMiB } from './instance-types.ts';

type Rule = (environment: DerivedEnvironment) => string | undefined;

/** What a list names a second time. */
const repeated = (list: readonly string[] = []) => list.find((each, index) => list.indexOf(each) !== index);

/** Memory that RDS reckons with for a connection: its default is DBInstanceClassMemory / 9531392. */
const bytesPerConnection = 9_531_392;
const connectionsOf = (type: string) => Math.floor((databaseMemoryMiB(type) * 1024 ** 2) / bytesPerConnection);

/** Retention that CloudWatch Logs offers, up to two years. */
const retentionDays = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731];

/** Of a load balancer, in characters. */
const longestName = 32;

/** An access list takes 20 rules in each direction: nine of infra/constructs/network-acls.ts, and two that refuse the rest. */
const privateRanges = 9;

/** Made by EKS, and by add-ons of infra/addons beside monitoringNamespace. */
const kubernetesNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
const addOnNamespaces = ['external-secrets', 'amazon-cloudwatch'];

export const awsContradictions: readonly Rule[] = [
  ({ network, aws, name }) =>
    (network === undefined) !== (aws === undefined)
      ? `${name} has ${network === undefined ? 'aws but no network' : 'a network but no aws'}: an environment in AWS needs both`
      : undefined,
  ({ aws, database: { maxConnections } }) =>
    aws !== undefined && maxConnections > connectionsOf(aws.database.instanceType)
      ? `database.maxConnections ${maxConnections} is more than the ${connectionsOf(aws.database.instanceType)} that the memory of aws.database.instanceType ${aws.database.instanceType} is good for`
      : undefined,
  ({ aws }) => {
    const { storageGiB, storageAtMostGiB } = aws?.database ?? { storageGiB: 0, storageAtMostGiB: 0 };
    // In whole numbers: 110 × 1.1 is a little more than 121.
    const least = Math.ceil((storageGiB * 11) / 10);
    return storageAtMostGiB < least
      ? `aws.database.storageAtMostGiB ${storageAtMostGiB} is less than ${least} GiB, a tenth more than aws.database.storageGiB ${storageGiB}: RDS lets storage grow by no less`
      : undefined;
  },
  ({ aws, name, service }) =>
    aws !== undefined && name.length + service.name.length + 1 > longestName
      ? `service.name ${service.name} and name ${name} are more than ${longestName - 1} characters together: the name of a load balancer has ${longestName} at most, and is ${service.name}-${name}`
      : undefined,
  ({ aws, network }) => {
    if (aws === undefined || network === undefined) return undefined;
    const { endpoint, allowedCidrs } = aws.cluster;
    const told = (cidr: string, fault: string) => `aws.cluster.allowedCidrs ${cidr} ${fault}`;
    if (endpoint === 'public') {
      const reserved = allowedCidrs.find(isReserved);
      return reserved && told(reserved, 'is not of the internet, and aws.cluster.endpoint is public: EKS refuses it');
    }
    const strange = allowedCidrs.find((cidr) => !isPrivate(cidr));
    if (strange !== undefined)
      return told(strange, 'is not private, but aws.cluster.endpoint private is reached by VPN or peering only');
    const inVpc = allowedCidrs.find(
      (cidr) => overlap(cidr, network.vpcCidr) && !network.privateCidrs.some((subnet) => within(cidr, subnet)),
    );
    if (inVpc !== undefined)
      return told(
        inVpc,
        `must be in network.privateCidrs ${network.privateCidrs.join(', ')} or outside network.vpcCidr ${network.vpcCidr}: no route leads elsewhere`,
      );
    return allowedCidrs.length > privateRanges
      ? `aws.cluster.allowedCidrs has ${allowedCidrs.length} ranges, but with aws.cluster.endpoint private the access list of a subnet has room for ${privateRanges}`
      : undefined;
  },
  ({ aws, namespace }) =>
    aws?.cluster.fargateNamespaces.includes(namespace)
      ? `aws.cluster.fargateNamespaces ${namespace} is the namespace of the service: on Fargate no rule spreads its pods over zones, no NetworkPolicy holds, and its access log does not reach the alarms`
      : undefined,
  ({ aws, monitoringNamespace }) => {
    const taken = [...kubernetesNamespaces, ...addOnNamespaces, monitoringNamespace];
    const other = aws?.cluster.fargateNamespaces.find((each) => taken.includes(each));
    return (
      other &&
      `aws.cluster.fargateNamespaces ${other} is one of ${taken.join(', ')}, which others make and run on nodes`
    );
  },
  ({ aws }) => {
    const twice = repeated(aws?.cluster.fargateNamespaces);
    return twice && `aws.cluster.fargateNamespaces names ${twice} twice`;
  },
  ({ aws }) => {
    const twice = repeated(aws?.cluster.adminRoleArns);
    return twice && `aws.cluster.adminRoleArns names ${twice} twice`;
  },
  ({ aws }) =>
    aws !== undefined && !retentionDays.includes(aws.logDays)
      ? `aws.logDays ${aws.logDays} is not what CloudWatch offers: ${retentionDays.join(', ')}`
      : undefined,
  ({ aws, region }) => {
    const elsewhere = aws?.zones.find((zone) => !zone.startsWith(region));
    return elsewhere === undefined ? undefined : `aws.zones ${elsewhere} is not in the region ${region}`;
  },
  ({ aws }) =>
    aws !== undefined && aws.zones[0] === aws.zones[1] ? `aws.zones names ${aws.zones[0]} twice` : undefined,
  ({ aws, loadBalancer: { domain } }) =>
    aws?.zone !== undefined && domain === undefined
      ? `aws.zone ${aws.zone.name} is there for loadBalancer.domain, which is missing`
      : undefined,
  ({ aws, loadBalancer: { domain } }) =>
    aws?.zone !== undefined && domain !== undefined && !`.${domain}`.endsWith(`.${aws.zone.name}`)
      ? `loadBalancer.domain ${domain} is not in aws.zone ${aws.zone.name}`
      : undefined,
];
