// What is refused before anything is changed in an account.
import { sampleAccountId, sampleCidr } from '../../config/account.ts';
import { short } from './support/machine.ts';
import { healthy, operator } from './support/operator.ts';

const { machine, operate } = operator();

/** Four of others on Spot, and what the quota of vCPUs on Spot does not count. */
const instances = [
  { Type: 'm7i.xlarge', Lifecycle: 'spot', Cores: 2, Threads: 2, Tags: null },
  { Type: 'm7i.xlarge', Lifecycle: null, Cores: 2, Threads: 2, Tags: [] },
  { Type: 'g5.xlarge', Lifecycle: 'spot', Cores: 2, Threads: 2, Tags: [] },
  {
    ...{ Type: 'c7i.large', Lifecycle: 'spot', Cores: 1, Threads: 2 },
    Tags: [{ Key: 'kubernetes.io/cluster/slipway-staging', Value: 'owned' }],
  },
];

describe('before anything is changed', () => {
  const domain = { loadBalancer: { domain: 'api.example.org' } };
  it.each([
    [
      'the sample account',
      '',
      { accountId: sampleAccountId },
      `config/account.ts: accountId ${sampleAccountId} is the sample account`,
    ],
    [
      'the sample range',
      '',
      { aws: { cluster: { allowedCidrs: [sampleCidr] } } },
      `config/account.ts: allowedCidrs ${sampleCidr} is a sample`,
    ],
    [
      'a quota',
      '*L-0263D0A3*) echo \'{"Quota":{"Value":0}}\' ;;',
      {},
      'The account allows 0 Elastic IPs, of which others use 0, staging needs 1: aws service-quotas',
    ],
    [
      'a quota that others use up',
      `*L-0263D0A3*) echo '{"Quota":{"Value":5}}' ;;
*describe-addresses*) echo '[${Array(5).fill('{"Tags":null}').join()}]' ;;`,
      {},
      'The account allows 5 Elastic IPs, of which others use 5, staging needs 1: aws service-quotas request-service-quota-increase --service-code ec2 --quota-code L-0263D0A3 --desired-value 6 ',
    ],
    [
      'a quota of vCPUs that others, and not the nodes of this cluster, use up',
      `*L-34B43A08*) echo '{"Quota":{"Value":15}}' ;;\n*describe-instances*) echo '${JSON.stringify(instances)}' ;;`,
      {},
      'The account allows 15 vCPUs on Spot, of which others use 4, staging needs 12: aws service-quotas request-service-quota-increase --service-code ec2 --quota-code L-34B43A08 --desired-value 16 ',
    ],
    [
      'a quota whose use cannot be read, and that is too small by itself',
      `*L-F678F1CE*) echo '{"Quota":{"Value":0}}' ;;\n*describe-vpcs*) echo UnauthorizedOperation >&2; exit 254 ;;`,
      {},
      'The account allows 0 VPCs, how many are in use cannot be read, staging needs 1: aws service-quotas',
    ],
    [
      'a region that is switched off',
      "*describe-availability-zones*) echo 'AuthFailure.' >&2; exit 254 ;;",
      {},
      'The region us-east-1 of staging has no zones us-east-1a and us-east-1b for you: AuthFailure. Switch the region on (aws account enable-region --region-name us-east-1)',
    ],
    [
      'an administrator who does not exist',
      "*get-user*break-glass*) echo 'An error occurred (NoSuchEntity)' >&2; exit 254 ;;",
      {},
      'config/account.ts: adminRoleArns arn:aws:iam::222233334444:user/break-glass does not exist.',
    ],
    [
      'somebody whom the cluster would refuse',
      '*get-caller-identity*) echo \'{"Account":"222233334444","Arn":"arn:aws:iam::222233334444:user/passer-by"}\' ;;',
      {},
      'The user passer-by that you are logged in as is none of aws.cluster.adminRoleArns',
    ],
    [
      'a domain without certificate',
      '',
      domain,
      'loadBalancer.domain api.example.org has no certificate that is issued in us-east-1, and aws.zone is not set: aws acm request-certificate --domain-name api.example.org',
    ],
  ])('%s is refused', async (_, cases, change, message) => {
    machine.answer('aws', `${cases}\n${healthy}`);
    const { status, stderr, calls } = await operate('deploy', 'staging', 'yes\n', change);
    expect(status).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(short(calls)).toEqual([]);
  });

  it('what could not be checked is told before the question', async () => {
    machine.answer(
      'aws',
      `*list-certificates*) echo AccessDeniedException >&2; exit 254 ;;
*get-service-quota*L-0263D0A3*) echo 'AccessDenied: no' >&2; exit 254 ;;
*describe-vpcs*) echo UnauthorizedOperation >&2; exit 254 ;;
${healthy}`,
    );
    const { stdout, stderr } = await operate('deploy', 'staging', 'no\n', domain);
    expect(stderr).toBe('Nothing was changed.\n');
    expect(stdout.match(/^Not checked: .*/gm)).toEqual([
      'Not checked: whether api.example.org has a certificate: AccessDeniedException',
      'Not checked: the quota of Elastic IPs: AccessDenied: no',
      'Not checked: how many VPCs are in use, of 1000',
    ]);
  });

  it('what the environment has already is no use by others', async () => {
    const own = '{"Tags":[{"Key":"service","Value":"slipway"},{"Key":"environment","Value":"staging"}]}';
    machine.answer(
      'aws',
      `*get-service-quota*L-0263D0A3*|*get-service-quota*L-F678F1CE*) echo '{"Quota":{"Value":1}}' ;;
*describe-addresses*|*describe-vpcs*) echo '[${own}]' ;;\n${healthy}`,
    );
    expect((await operate('deploy', 'staging', 'no\n')).stderr).toBe('Nothing was changed.\n');
  });

  it('a certificate for all names of the domain is found', async () => {
    machine.answer(
      'aws',
      `*list-certificates*) echo '{"CertificateSummaryList":[{"DomainName":"example.org","SubjectAlternativeNameSummaries":["*.example.org"]}]}' ;;\n${healthy}`,
    );
    expect((await operate('deploy', 'staging', 'no\n', domain)).stderr).toBe('Nothing was changed.\n');
  });
});
