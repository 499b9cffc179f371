// Images for tests: the service's own with some more files, on the nodes of the cluster under a tag of their own.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Images, readImages } from '../../../config/images.ts';
import { local } from '../../../config/local.ts';

const run = (program: string, ...args: string[]) =>
  execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe', timeout: 300_000 }).trim();

/** config/images.json with another tag of the service on kind. */
export const withTag = (tag: string): Images => {
  const images = readImages();
  return { ...images, service: { ...images.service, [local.name]: { tag } } };
};

/** Builds and loads it. @param files path in the image → text */
export function derivedImage(tag: string, files: Readonly<Record<string, string>>): Images {
  const { name } = local.service;
  const base = readImages().service[local.name]?.tag;
  const folder = mkdtempSync(join(tmpdir(), 'derived-image-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      const file = join(folder, 'files', path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    writeFileSync(join(folder, 'Dockerfile'), `FROM ${name}:${base}\nCOPY files/ /\n`);
    run('docker', 'build', '--tag', `${name}:${tag}`, folder);
    const cluster = run('kubectl', 'config', 'current-context').replace(/^kind-/, '');
    run('kind', 'load', 'docker-image', `${name}:${tag}`, '--name', cluster);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return withTag(tag);
}
