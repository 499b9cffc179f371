// The servers that tests of the service share, and the templates of all environments, written once as a deployment writes them.
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setUpWith, start } from '../../support/global-setup.ts';
import { outdir, root, synthCpu, synthSaid } from './templates.ts';

export default async function setup(): Promise<void> {
  rmSync(outdir, { recursive: true, force: true });
  const begun = performance.now();
  const tell = `import fs from 'node:fs';
    process.on('exit', () => fs.writeFileSync(${JSON.stringify(synthCpu)}, JSON.stringify(process.cpuUsage())))`;
  const tellCpu = ['--import', `data:text/javascript,${encodeURIComponent(tell)}`];
  const said = execFileSync(process.execPath, [...tellCpu, 'infra/main.ts', outdir], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    // No credentials, no settings of the AWS tools.
    env: { PATH: process.env.PATH, HOME: join(outdir, 'nobody') },
  });
  writeFileSync(synthSaid, said);
  process.stdout.write(`Templates of all environments: ${((performance.now() - begun) / 1000).toFixed(1)} s\n`);
  await setUpWith(start);
}
