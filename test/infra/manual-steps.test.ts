import { operator } from './support/operator.ts';

const { operate } = operator();

it('a zone that is made here is told of: its name servers before, and that it stays after', async () => {
  const change = { loadBalancer: { domain: 'api.example.org' }, aws: { zone: { name: 'example.org' } } };
  const { stdout: before } = await operate('deploy', 'staging', 'no\n', change);
  expect(before).toContain(
    'aws route53 get-hosted-zone --query DelegationSet.NameServers --id $(aws ssm get-parameter --name /slipway/staging/zone-id ',
  );
  const { stdout: after } = await operate('destroy', 'staging', 'no\n', change);
  expect(after).toContain('the hosted zone example.org with its records');
  expect(after).toContain('(stack CDKToolkit)');
});
