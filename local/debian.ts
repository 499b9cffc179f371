// Using a package of Debian or Ubuntu without installing it: downloaded, unpacked into a folder, system untouched.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

async function run(command: string, args: string[], cwd: string): Promise<string> {
  const { stdout } = await execute(command, args, {
    cwd,
    env: { ...process.env, LC_ALL: 'C' },
    maxBuffer: 64 * 1024 ** 2,
  });
  return stdout;
}

/**
 * Unpacks a package and those of its dependencies that the system lacks, as apt itself resolves them. Works without
 * root. Where apt has no package lists yet, they are fetched into `cacheDir`.
 *
 * @returns the folder that stands for / and its folders with shared libraries, for LD_LIBRARY_PATH
 */
export async function unpackPackage(
  name: string,
  cacheDir: string,
  log: (line: string) => void,
): Promise<{ root: string; libraries: string[] }> {
  const root = join(cacheDir, name);
  const complete = join(root, '.complete');
  if (!existsSync(complete)) {
    await mkdir(cacheDir, { recursive: true });
    const work = await mkdtemp(join(cacheDir, `${name}.`));
    try {
      log(`Fetching the package ${name} (nothing is installed) …`);
      await download(name, work, log);
      const unpacked = join(work, 'root');
      for (const file of await readdir(work)) {
        if (file.endsWith('.deb')) await run('dpkg-deb', ['-x', file, unpacked], work);
      }
      await writeFile(join(unpacked, '.complete'), '');
      await rename(unpacked, root).catch(async () => {
        // Another process may have finished first and already be using its copy; else it is the rest of one that was cut.
        if (existsSync(complete)) return;
        await rm(root, { recursive: true, force: true });
        await rename(unpacked, root);
      });
    } catch (error) {
      if (!existsSync(complete)) throw error;
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  return { root, libraries: await libraryFolders(root) };
}

async function download(name: string, work: string, log: (line: string) => void): Promise<void> {
  // apt gives downloads to a user of its own when root runs it; that user cannot reach the folder.
  const own = ['-o', 'APT::Sandbox::User=root'];
  const needed = (options: string[]) =>
    run('apt-get', [...options, '--simulate', '--no-install-recommends', 'install', name], work);
  let options = own;
  let plan: string;
  try {
    plan = await needed(options);
  } catch {
    log('Fetching the package lists …');
    const state = join(work, 'apt');
    await mkdir(join(state, 'lists', 'partial'), { recursive: true });
    await mkdir(join(state, 'cache', 'archives', 'partial'), { recursive: true });
    options = [...own, '-o', `Dir::State::Lists=${join(state, 'lists')}`, '-o', `Dir::Cache=${join(state, 'cache')}`];
    await run('apt-get', [...options, 'update'], work);
    plan = await needed(options);
  }
  const packages = [...plan.matchAll(/^Inst (\S+)/gm)].map(([, found = '']) => found);
  await run('apt-get', [...options, 'download', ...new Set([name, ...packages])], work);
}

async function libraryFolders(root: string): Promise<string[]> {
  const folders: string[] = [];
  for (const base of ['usr/lib', 'lib']) {
    const parent = join(root, base);
    if (!existsSync(parent)) continue;
    for (const entry of await readdir(parent, { withFileTypes: true })) {
      if (entry.isDirectory() && entry.name.endsWith('-linux-gnu')) folders.push(join(parent, entry.name));
    }
  }
  return folders;
}
