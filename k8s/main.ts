// `make synth`: writes charts-out/<environment>/, only what changed. --check writes nothing and fails when something would.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../config/environment.ts';
import { readImages } from '../config/images.ts';
import { render, synthesize } from './synth.ts';

const out = fileURLToPath(new URL('../charts-out', import.meta.url));

/** @returns path below charts-out → text, undefined where a file is no longer made */
function changes(environments: readonly Environment[]): Map<string, string | undefined> {
  const images = readImages();
  const changed = new Map<string, string | undefined>();
  for (const environment of environments) {
    const made = synthesize({ environment, images });
    for (const [file, manifests] of made) {
      const path = join(environment.name, file);
      const text = render(manifests);
      // Skaffold watches the time of change: a file written anew is a deployment.
      if (!existsSync(join(out, path)) || readFileSync(join(out, path), 'utf8') !== text) changed.set(path, text);
    }
    const folder = join(out, environment.name);
    for (const file of existsSync(folder) ? readdirSync(folder) : []) {
      if (!made.has(file)) changed.set(join(environment.name, file), undefined);
    }
  }
  return changed;
}

try {
  const check = process.argv.includes('--check');
  // Here, and not above: an environment that contradicts itself fails as it is loaded.
  const { environments } = await import('../config/environments.ts');
  const changed = changes(environments);
  for (const [path, text] of changed) {
    console.log(
      `charts-out/${path} ${text === undefined ? 'is no longer made' : 'differs'}${check ? '' : ': written'}`,
    );
    if (check) continue;
    const file = join(out, path);
    mkdirSync(join(file, '..'), { recursive: true });
    if (text === undefined) rmSync(file);
    else writeFileSync(file, text);
  }
  if (check && changed.size > 0) {
    console.error('charts-out is not what config/ and k8s/ make: run `make synth` and commit it.');
    process.exitCode = 1;
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
