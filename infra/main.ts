// Entry of the CDK: writes the templates of all environments in AWS. `node infra/main.ts [folder]`
import { isAws } from './environment.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);

try {
  // Here, and not above: an environment that contradicts itself fails as it is loaded.
  const { environments } = await import('../config/environments.ts');
  // Loading takes seconds, and the first time many more.
  say('Loading the CDK …');
  const { buildApp } = await import('./app.ts');
  const app = await buildApp(environments.filter(isAws), { outdir: process.argv[2], progress: say });
  say('Writing and checking the templates …');
  app.synth();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
