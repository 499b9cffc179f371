// Deploys or takes down an environment of an account that is not the sample one. Usage: node test/infra/support/operate.ts VERB ENV [CHANGE]
// The programs that it calls are those of the folder it is run in. VERB: deploy, destroy, diff, or health with a patience of a moment.
import { defineEnvironment, valuesOf } from '../../../config/environment.ts';
import { environmentNamed } from '../../../config/environments.ts';
import { deploy, destroy, diff } from '../../../infra/deploy/commands.ts';
import { awaitHealth } from '../../../infra/deploy/health.ts';
import { interruptible } from '../../../infra/deploy/interruption.ts';
import { awsEnvironment } from '../../../infra/environment.ts';
import { merged } from './merge.ts';

const ours = {
  accountId: '222233334444',
  aws: {
    cluster: {
      allowedCidrs: ['198.51.100.0/24'],
      adminRoleArns: ['arn:aws:iam::222233334444:role/platform-admin', 'arn:aws:iam::222233334444:user/break-glass'],
    },
  },
};
const [verb, name, change = '{}'] = process.argv.slice(2);
try {
  const values = merged(merged(valuesOf(environmentNamed(name)), ours), JSON.parse(change));
  const environment = awsEnvironment(defineEnvironment(values as never));
  const options = { dryRun: false, yes: false };
  if (verb === 'deploy') await deploy(environment, options);
  else if (verb === 'destroy') await destroy(environment, options);
  else if (verb === 'diff') await diff(environment);
  else
    process.stdout.write(
      await interruptible((stop) => awaitHealth(environment, stop, { patienceMs: 2000, pollMs: 20 })),
    );
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
