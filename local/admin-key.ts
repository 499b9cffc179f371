// `make admin-key`: makes another admin key on the service that `make run` runs, and prints it, alone.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stateFolder } from './options.ts';
import { runCommand } from './service.ts';
import { holder } from './state.ts';
import { accessFile } from './stores.ts';

const dir = stateFolder(process.env);
if (holder(dir) === undefined) {
  console.error('The service does not run: start it with make run.');
  process.exitCode = 1;
} else {
  const access = JSON.parse(readFileSync(join(dir, accessFile), 'utf8')) as NodeJS.ProcessEnv;
  const name = process.env.NAME || 'admin';
  process.stdout.write(await runCommand(join(dir, 'dist', 'main.js'), ['admin-key', '--name', name], access));
}
