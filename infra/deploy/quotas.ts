// Whether the quotas of an account leave room for an environment beside what else is there.
import { clusterName } from '../../config/aws-names.ts';
import { nodeCpus } from '../../config/instance-types.ts';
import { type AwsEnvironment, costTags } from '../environment.ts';
import { ask } from './ask.ts';

interface Tagged {
  Tags?: { Key: string; Value: string }[] | null;
}
interface Instance extends Tagged {
  Type: string;
  Lifecycle: string | null;
  Cores: number;
  Threads: number;
}

interface Quota {
  what: string;
  service: string;
  code: string;
  need: number;
  /** How much of it others use; undefined when that cannot be read. */
  usedByOthers: () => number | undefined;
}

/** @returns what aws lists, undefined when it may not be read */
function listed<T>(environment: AwsEnvironment, ...args: readonly string[]): T[] | undefined {
  const { ok, stdout } = ask('aws', 'ec2', ...args, '--region', environment.region, '--output', 'json');
  return ok ? (JSON.parse(stdout) as T[]) : undefined;
}

/** Things of others: what this environment has already is in its need. */
function others(environment: AwsEnvironment, things: readonly Tagged[]): number {
  const own = Object.entries(costTags(environment));
  const has = ({ Tags }: Tagged, [key, value]: [string, string]) =>
    (Tags ?? []).some((tag) => tag.Key === key && tag.Value === value);
  return things.filter((thing) => !own.every((tag) => has(thing, tag))).length;
}

/** Families that the two quotas of vCPUs count together. Source: EC2 user guide, "On-Demand Instance quotas". */
const standard = /^([acdhimrtz]|im|is)\d/;

/** vCPUs of running instances, but for the nodes of this cluster. */
function cpusOfOthers(environment: AwsEnvironment, isSpot: boolean): number | undefined {
  // EKS and Karpenter tag every node so.
  const ownTag = `kubernetes.io/cluster/${clusterName(environment)}`;
  return listed<Instance>(
    environment,
    ...['describe-instances', '--filters', 'Name=instance-state-name,Values=pending,running', '--query'],
    'Reservations[].Instances[].{Type:InstanceType,Lifecycle:InstanceLifecycle,Cores:CpuOptions.CoreCount,Threads:CpuOptions.ThreadsPerCore,Tags:Tags}',
  )
    ?.filter(({ Type, Lifecycle }) => standard.test(Type) && (Lifecycle === 'spot') === isSpot)
    .filter(({ Tags }) => !(Tags ?? []).some(({ Key }) => Key === ownTag))
    .reduce((sum, { Cores, Threads }) => sum + Cores * Threads, 0);
}

/** Quotas that a new account is likely to lack. Source: Service Quotas console. */
function quotas(environment: AwsEnvironment): Quota[] {
  const { nodes, aws } = environment;
  const cpus = Math.max(...nodes.instanceTypes.map(nodeCpus));
  const base = nodes.count * cpus;
  const burst = (nodes.maxCount - nodes.count) * cpus;
  const spotBase = nodes.capacity === 'spot';
  const countOf = (command: string, list: string) => () => {
    const things = listed<Tagged>(environment, command, '--query', `${list}[].{Tags:Tags}`);
    return things && others(environment, things);
  };
  return [
    {
      ...{ what: 'vCPUs on demand', service: 'ec2', code: 'L-1216C47A' },
      need: spotBase ? 0 : base,
      usedByOthers: () => cpusOfOthers(environment, false),
    },
    {
      ...{ what: 'vCPUs on Spot', service: 'ec2', code: 'L-34B43A08' },
      need: burst + (spotBase ? base : 0),
      usedByOthers: () => cpusOfOthers(environment, true),
    },
    {
      ...{ what: 'Elastic IPs', service: 'ec2', code: 'L-0263D0A3' },
      need: aws.natGateways,
      usedByOthers: countOf('describe-addresses', 'Addresses'),
    },
    {
      ...{ what: 'VPCs', service: 'vpc', code: 'L-F678F1CE' },
      need: 1,
      usedByOthers: countOf('describe-vpcs', 'Vpcs'),
    },
  ].filter(({ need }) => need > 0);
}

/**
 * Quotas that leave too little beside what others use now.
 *
 * @param notChecked is told what could not be read, and why
 */
export function quotaFaults(environment: AwsEnvironment, notChecked: (what: string) => void): string[] {
  return quotas(environment).flatMap(({ what, service, code, need, usedByOthers }) => {
    const args = ['service-quotas', 'get-service-quota', '--service-code', service, '--quota-code', code];
    const { ok, stdout, complaint } = ask('aws', ...args, '--region', environment.region, '--output', 'json');
    // Who may not read quotas may still have them.
    if (!ok) {
      notChecked(`the quota of ${what}: ${complaint}`);
      return [];
    }
    const { Quota } = JSON.parse(stdout) as { Quota: { Value: number } };
    const used = usedByOthers();
    if (used === undefined) notChecked(`how many ${what} are in use, of ${Quota.Value}`);
    const wanted = need + (used ?? 0);
    const usage = used === undefined ? 'how many are in use cannot be read' : `of which others use ${used}`;
    return Quota.Value >= wanted
      ? []
      : [
          `The account allows ${Quota.Value} ${what}, ${usage}, ${environment.name} needs ${need}: aws service-quotas request-service-quota-increase --service-code ${service} --quota-code ${code} --desired-value ${wanted} --region ${environment.region}`,
        ];
  });
}
