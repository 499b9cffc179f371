// `make deploy`, `make destroy` and `make infra-diff`. Usage: node infra/deploy/main.ts deploy|destroy|diff ENV [--dry-run] [--yes]
import { awsEnvironment } from '../environment.ts';
import { deploy, destroy, diff } from './commands.ts';
import { Refusal } from './run.ts';

const [verb, ...rest] = process.argv.slice(2);
const options = rest.filter((word) => word.startsWith('--'));
const [named] = rest.filter((word) => !word.startsWith('--'));
try {
  // Here, and not above: an environment that contradicts itself fails as it is loaded.
  const { environmentNamed } = await import('../../config/environments.ts');
  const environment = awsEnvironment(environmentNamed(named));
  const chosen = { dryRun: options.includes('--dry-run'), yes: options.includes('--yes') };
  if (verb === 'deploy') await deploy(environment, chosen);
  else if (verb === 'destroy') await destroy(environment, chosen);
  else if (verb === 'diff') await diff(environment);
  else throw new Refusal('Usage: node infra/deploy/main.ts deploy|destroy|diff ENV [--dry-run] [--yes]');
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
