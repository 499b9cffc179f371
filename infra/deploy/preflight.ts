// What must be so before anything is changed in an account. Every fault is one line that says what to do.
import { sampleAccountId, sampleCidr } from '../../config/account.ts';
import type { AwsEnvironment } from '../environment.ts';
import { ask } from './ask.ts';

/** Tools, and how to ask each whether it is there. */
const tools: readonly { name: string; ask: readonly string[]; from: string }[] = [
  {
    name: 'aws',
    ask: ['--version'],
    from: 'https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html',
  },
  { name: 'kubectl', ask: ['version', '--client'], from: 'https://kubernetes.io/docs/tasks/tools/' },
  { name: 'docker', ask: ['version'], from: 'https://docs.docker.com/engine/install/; its engine must run' },
];

/** Faults of the configuration, which need no account to be seen. */
export function sampleFaults({ accountId, name, aws }: AwsEnvironment): string[] {
  return [
    ...(accountId === sampleAccountId
      ? [`config/account.ts: accountId ${accountId} is the sample account of AWS' documentation: put yours there.`]
      : []),
    ...(aws.cluster.allowedCidrs.includes(sampleCidr)
      ? [
          `config/account.ts: allowedCidrs ${sampleCidr} is a sample: put the addresses there that ${name} is operated from.`,
        ]
      : []),
  ];
}

export function toolFaults(wanted: readonly string[]): string[] {
  return tools
    .filter(({ name }) => wanted.includes(name))
    .filter((tool) => !ask(tool.name, ...tool.ask).ok)
    .map(({ name, from }) => `${name} is missing or does not work: ${from}`);
}

interface Caller {
  Account: string;
  Arn: string;
}

/** @returns who is logged in, or what was said instead. Asked in a region that no account can switch off. */
function caller(): Caller | string {
  const { ok, stdout, complaint } = ask(
    ...(['aws', 'sts', 'get-caller-identity', '--output', 'json', '--region', 'us-east-1'] as const),
  );
  return ok ? (JSON.parse(stdout) as Caller) : complaint;
}

/** Whether somebody is logged in, and to the right account. */
export function accountFaults({ accountId, name }: AwsEnvironment): string[] {
  const who = caller();
  if (typeof who === 'string')
    return [`No credentials of AWS: ${who} Log in, for example with: aws sso login`.replace('  ', ' ')];
  return who.Account === accountId
    ? []
    : [`${name} belongs to the account ${accountId} (config/account.ts), but you are logged in to ${who.Account}.`];
}

/** Kind and name of a role or user; a role that is assumed is known by its name alone, without its path. */
export function principal(arn: string): { kind: 'role' | 'user'; name: string } {
  const [, kind, name = ''] = /:(role|user|assumed-role)\/(?:.*\/)?([^/]+)$/.exec(
    arn.replace(/(:assumed-role\/[^/]+)\/.*/, '$1'),
  ) ?? ['', 'role', arn];
  return { kind: kind === 'user' ? 'user' : 'role', name };
}

/** Whether the region is switched on, its zones are what the configuration says, and who is to administer the cluster exists and is here. */
export function placeFaults({ region, name, aws }: AwsEnvironment): string[] {
  const zones = ask(
    ...(['aws', 'ec2', 'describe-availability-zones', '--zone-names', ...aws.zones] as const),
    ...['--region', region, '--output', 'json'],
  );
  const who = caller();
  const own = typeof who === 'string' ? undefined : principal(who.Arn);
  const administrators = aws.cluster.adminRoleArns.map((arn) => ({ arn, ...principal(arn) }));
  return [
    ...(zones.ok
      ? []
      : [
          `The region ${region} of ${name} has no zones ${aws.zones.join(' and ')} for you: ${zones.complaint} Switch the region on (aws account enable-region --region-name ${region}), or change region and aws.zones.`,
        ]),
    ...administrators
      .filter(({ kind, name }) => {
        const { ok, complaint } = ask('aws', 'iam', `get-${kind}`, `--${kind}-name`, name);
        // Who may not read IAM may still have them.
        return !ok && complaint.includes('NoSuchEntity');
      })
      .map(({ arn }) => `config/account.ts: adminRoleArns ${arn} does not exist.`),
    ...(own === undefined || administrators.some(({ kind, name }) => kind === own.kind && name === own.name)
      ? []
      : [
          `The ${own.kind} ${own.name} that you are logged in as is none of aws.cluster.adminRoleArns: the cluster would refuse you.`,
        ]),
  ];
}

const keyTypes = ['RSA_2048', 'RSA_3072', 'RSA_4096', 'EC_prime256v1', 'EC_secp384r1', 'EC_secp521r1'];

/**
 * Whether there is a certificate for a domain whose zone is kept elsewhere: the Ingress finds it by the domain.
 *
 * @param notChecked is told when it could not be looked for, and why
 */
export function certificateFaults(
  { region, loadBalancer: { domain }, aws }: AwsEnvironment,
  notChecked: (what: string) => void,
): string[] {
  if (domain === undefined || aws.zone !== undefined) return [];
  const { ok, stdout, complaint } = ask(
    ...(['aws', 'acm', 'list-certificates', '--certificate-statuses', 'ISSUED', '--region', region] as const),
    ...['--includes', `keyTypes=${keyTypes.join(',')}`, '--output', 'json'],
  );
  if (!ok) {
    notChecked(`whether ${domain} has a certificate: ${complaint}`);
    return [];
  }
  const { CertificateSummaryList: all } = JSON.parse(stdout) as {
    CertificateSummaryList: { DomainName: string; SubjectAlternativeNameSummaries?: string[] }[];
  };
  const fits = [domain, domain.replace(/^[^.]+/, '*')];
  const names = all.flatMap((each) => [each.DomainName, ...(each.SubjectAlternativeNameSummaries ?? [])]);
  return names.some((each) => fits.includes(each))
    ? []
    : [
        `loadBalancer.domain ${domain} has no certificate that is issued in ${region}, and aws.zone is not set: aws acm request-certificate --domain-name ${domain} --validation-method DNS --region ${region}`,
      ];
}
