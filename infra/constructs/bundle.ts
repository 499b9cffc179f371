import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';

const root = join(import.meta.dirname, '..', '..');
let folder: string | undefined;

/** Of this process alone, so that two that write templates at a time do not take each other's away. The CDK copies what is in it. */
function ownFolder(): string {
  if (folder !== undefined) return folder;
  const parent = join(root, '.cache', 'infra');
  mkdirSync(parent, { recursive: true });
  const made = mkdtempSync(join(parent, 'bundles-'));
  process.once('exit', () => rmSync(made, { recursive: true, force: true }));
  folder = made;
  return made;
}

/** Bundles a file of infra/rotation with what it imports: the same bytes for the same sources. */
export function bundled(name: string): lambda.Code {
  const outdir = join(ownFolder(), name);
  buildSync({
    absWorkingDir: root,
    entryPoints: [`infra/rotation/${name}.ts`],
    outfile: join(outdir, 'index.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: ['pg-native', 'pg-cloudflare'],
    legalComments: 'none',
    minifySyntax: true,
    minifyWhitespace: true,
    banner: {
      js: "import{createRequire as $createRequire}from'node:module';const require=$createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  return lambda.Code.fromAsset(outdir);
}
