// jq, found on the PATH or unpacked from its Debian package without installing it.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { unpackPackage } from '../../local/debian.ts';
import { cacheFolder } from '../../local/path.ts';

export interface Jq {
  /** Runs a filter as docs/logs.md does. @param input standard input @returns one value a line of its output @throws what jq says */
  run(filter: string, parameters: Record<string, string>, input: string): unknown[];
  /** A line for a shell, after which `jq` is this one; empty when it is on the PATH. */
  inShell: string;
}

interface Found {
  command: string;
  env: NodeJS.ProcessEnv;
  inShell: string;
}

async function find(): Promise<Found> {
  if (spawnSync('jq', ['--version']).status === 0) return { command: 'jq', env: process.env, inShell: '' };
  const { root, libraries } = await unpackPackage('jq', cacheFolder(), () => undefined);
  const command = join(root, 'usr/bin/jq');
  const LD_LIBRARY_PATH = libraries.join(':');
  const inShell = `jq() { LD_LIBRARY_PATH='${LD_LIBRARY_PATH}' '${command}' "$@"; }`;
  return { command, env: { ...process.env, LD_LIBRARY_PATH }, inShell };
}

export async function findJq(): Promise<Jq> {
  const { command, env, inShell } = await find();
  return {
    inShell,
    run(filter, parameters, input) {
      const named = Object.entries(parameters).flatMap(([name, value]) => ['--arg', name, value]);
      const output = execFileSync(command, ['-nRc', ...named, filter], { env, input, encoding: 'utf8' });
      return output
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as unknown);
    },
  };
}
