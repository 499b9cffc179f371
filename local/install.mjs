// Installs the npm packages that a command needs, unless they are there. Runs on the Node of the machine, 20 or later.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
const stampFile = join(modules, '.slipway-installed.json');
/** Each holds what is before it; the CDK is there only for those who ask for it. */
const levels = ['run', 'all', 'infra'];
const workspacesOf = {
  run: ['service', 'local'],
  all: ['service', 'local', 'k8s'],
  infra: ['service', 'local', 'k8s', 'infra'],
};
const what = levels.includes(process.argv[2]) ? process.argv[2] : 'all';

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** What is installed: one of the levels, or undefined when nothing or something older than the lockfile is. */
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
  return missing ? undefined : 'infra';
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
if (levels.indexOf(found) < levels.indexOf(what)) {
  // npm ci starts anew: who had the tools for tests, or the CDK, keeps them.
  const had = existsSync(join(modules, 'aws-cdk-lib')) ? 'infra' : existsSync(join(modules, 'jest')) ? 'all' : 'run';
  const wanted = levels[Math.max(levels.indexOf(what), levels.indexOf(had))];
  const workspaces = workspacesOf[wanted].flatMap((name) => ['--workspace', name]);
  console.log(
    `Installing npm packages (${{ run: 'only what running needs', all: 'with the tools for tests', infra: 'with tests and the CDK: over 1 GB, minutes' }[wanted]}) …`,
  );
  const npm = spawnSync(
    'npm',
    // Without a registry npm would wait for over a minute before it says so.
    ['ci', '--fetch-retry-mintimeout=1000', ...workspaces, ...(wanted === 'run' ? [] : ['--include-workspace-root'])],
    { cwd: root, stdio: 'inherit' },
  );
  if (npm.status !== 0) {
    console.error(
      npm.error
        ? `npm cannot be started: ${npm.error.message}`
        : 'npm ci failed; why is above. If the registry is out of reach: npm config get registry says which one it is, npm ping tries it.',
    );
    process.exit(1);
  }
  writeFileSync(stampFile, `${JSON.stringify({ what: wanted, hash, platform })}\n`);
}
