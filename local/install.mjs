// Installs the npm packages that a command needs, unless they are there. Runs on the Node of the machine, 20 or later.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
const stampFile = join(modules, '.slipway-installed.json');
const what = process.argv[2] === 'run' ? 'run' : 'all';

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** What is installed: `all`, `run`, or undefined when nothing or something older than the lockfile is. */
function installed(lockfile, hash) {
  const stamp = read(stampFile);
  if (stamp) return stamp.hash === hash && stamp.platform === platform ? stamp.what : undefined;
  // A plain `npm ci` leaves no stamp of ours, but a list of what it installed.
  const there = read(join(modules, '.package-lock.json'))?.packages;
  if (!there) return undefined;
  const missing = Object.entries(JSON.parse(lockfile).packages).some(
    ([path, { version, optional, link }]) =>
      path.includes('node_modules/') && !optional && !link && there[path]?.version !== version,
  );
  return missing ? undefined : 'all';
}

const platform = `${process.platform}-${process.arch}`;
const major = Number(process.versions.node.split('.')[0]);
if (major < 20) {
  console.error(`Node 20 or later is needed to start; this is ${process.version}.`);
  process.exit(1);
}
const lockfile = readFileSync(join(root, 'package-lock.json'), 'utf8');
const hash = createHash('sha256').update(lockfile).digest('hex');
const found = installed(lockfile, hash);
if (found !== 'all' && found !== what) {
  // npm ci starts anew: who had the tools for tests keeps them.
  const wanted = what === 'all' || existsSync(join(modules, 'jest')) ? 'all' : 'run';
  const workspaces = ['--workspace', 'service', '--workspace', 'local'];
  console.log(
    `Installing npm packages (${wanted === 'all' ? 'with the tools for tests' : 'only what running needs'}) …`,
  );
  const npm = spawnSync('npm', ['ci', ...workspaces, ...(wanted === 'all' ? ['--include-workspace-root'] : [])], {
    cwd: root,
    stdio: 'inherit',
  });
  if (npm.status !== 0) {
    console.error(npm.error ? `npm cannot be started: ${npm.error.message}` : 'npm ci failed; its message is above.');
    process.exit(1);
  }
  writeFileSync(stampFile, `${JSON.stringify({ what: wanted, hash, platform })}\n`);
}
