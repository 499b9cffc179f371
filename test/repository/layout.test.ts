import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const root = join(__dirname, '..', '..');
const biome = join(root, 'node_modules', '.bin', 'biome');

/** What the linter says of a file with this import, at this place of a tree with our rules. */
function lint(path: string, imported: string): string {
  const tree = mkdtempSync(join(tmpdir(), 'layout-'));
  try {
    copyFileSync(join(root, 'biome.json'), join(tree, 'biome.json'));
    mkdirSync(join(tree, dirname(path)), { recursive: true });
    writeFileSync(join(tree, path), `import * as it from '${imported}';\n\nexport const x = it;\n`);
    const { stdout, stderr } = spawnSync(biome, ['lint', '--vcs-enabled=false', path], { cwd: tree, encoding: 'utf8' });
    return stdout + stderr;
  } finally {
    rmSync(tree, { recursive: true });
  }
}

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '');

describe('the layout', () => {
  it.each([
    ['service/x.ts', '../config/production.ts'],
    ['service/x.ts', '../k8s/main.ts'],
    ['service/x.ts', '../infra/main.ts'],
    ['service/routes/x.ts', '../../local/run.ts'],
    ['service/x.ts', '../test/support/wait.ts'],
    ['local/x.ts', '../test/support/wait.ts'],
    ['local/x.ts', '../service/stores/keys.ts'],
    ['infra/x.ts', '../service/app.ts'],
    ['k8s/x.ts', '../service/app.ts'],
  ])('%s must not import %s', (path, imported) => {
    expect(lint(path, imported)).toContain('noRestrictedImports');
  });

  it.each([
    ['service/x.ts', './settings.ts'],
    ['service/routes/x.ts', '../route.ts'],
    ['local/x.ts', '../service/settings.ts'],
    ['test/service/x.ts', '../../service/settings.ts'],
  ])('%s may import %s', (path, imported) => {
    expect(lint(path, imported)).not.toContain('noRestrictedImports');
  });

  it('has no source file of the product over 300 lines', () => {
    const long = files
      .filter((path) => /^(service|local|config|k8s|infra)\/.*\.(ts|mjs)$/.test(path))
      .filter((path) => readFileSync(join(root, path), 'utf8').split('\n').length > 300);
    expect(long).toEqual([]);
  });

  it('names only files that exist in its pages', () => {
    const named = files
      .filter((path) => path.endsWith('.md') && path !== 'docs/features.md')
      .flatMap((page) =>
        [
          ...readFileSync(join(root, page), 'utf8').matchAll(
            /`((?:test|service|local|docs)\/[\w./-]+\.(?:ts|mjs|md|sql))`/g,
          ),
        ].map(([, path]) => `${page}: ${path}`),
      );
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((each) => !files.includes(each.split(': ')[1] as string))).toEqual([]);
  });

  it('names no registry host and no address of a download in the lockfile', () => {
    const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
    expect(lock).not.toMatch(/"resolved": "(?!service|local|infra)/);
  });

  it('pins every dependency to an exact version', () => {
    for (const path of ['package.json', 'service/package.json', 'local/package.json', 'infra/package.json']) {
      const manifest = JSON.parse(readFileSync(join(root, path), 'utf8')) as Record<
        string,
        Record<string, string> | undefined
      >;
      for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies']) {
        for (const [name, version] of Object.entries(manifest[kind] ?? {}))
          expect(`${name} ${version}`).toMatch(/ \d+\.\d+\.\d+(-[\w.]+)?$/);
      }
    }
  });

  it('runs tests, benchmarks and image on one major version of Node', () => {
    const local = JSON.parse(readFileSync(join(root, 'local', 'package.json'), 'utf8')) as {
      optionalDependencies: Record<string, string>;
    };
    const majors = [
      process.versions.node.split('.')[0],
      /^ARG NODE_IMAGE=node:(\d+)-/m.exec(readFileSync(join(root, 'Dockerfile'), 'utf8'))?.[1],
      ...Object.entries(local.optionalDependencies)
        .filter(([name]) => name.startsWith('node-'))
        .map(([, version]) => version.split('.')[0]),
      /target: 'node(\d+)'/.exec(readFileSync(join(root, 'service', 'build.mjs'), 'utf8'))?.[1],
    ];
    expect(new Set(majors)).toEqual(new Set(['24']));
  });
});
