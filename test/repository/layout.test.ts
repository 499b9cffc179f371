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
    ['k8s/charts/x.ts', '../../local/ports.ts'],
    ['k8s/x.ts', '../infra/main.ts'],
    ['k8s/x.ts', '../test/support/wait.ts'],
    ['config/x.ts', '../k8s/synth.ts'],
    ['config/x.ts', '../observability/model.ts'],
    ['service/x.ts', '../observability/model.ts'],
    ['observability/x.ts', '../k8s/synth.ts'],
    ['observability/rules/x.ts', '../../service/settings.ts'],
    ['observability/x.ts', '../test/support/wait.ts'],
    ['config/x.ts', '../infra/main.ts'],
    ['config/x.ts', '../local/ports.ts'],
    ['config/x.ts', '../service/app.ts'],
    ['config/x.ts', '../test/support/wait.ts'],
  ])('%s must not import %s', (path, imported) => {
    expect(lint(path, imported)).toContain('noRestrictedImports');
  });

  it.each([
    ['service/x.ts', './settings.ts'],
    ['service/routes/x.ts', '../route.ts'],
    ['local/x.ts', '../service/settings.ts'],
    ['config/x.ts', '../service/settings.ts'],
    ['k8s/charts/x.ts', '../../config/environment.ts'],
    ['k8s/charts/x.ts', '../../service/settings.ts'],
    ['k8s/charts/x.ts', '../constructs/labels.ts'],
    ['k8s/charts/x.ts', '../../observability/model.ts'],
    ['observability/rules/x.ts', '../../config/environment.ts'],
    ['local/x.ts', '../config/local.ts'],
    ['test/service/x.ts', '../../service/settings.ts'],
  ])('%s may import %s', (path, imported) => {
    expect(lint(path, imported)).not.toContain('noRestrictedImports');
  });

  it('imports nothing but types of the service', () => {
    const importing = files
      .filter((path) => /^(config|observability|k8s|local|infra)\/.*\.ts$/.test(path))
      .flatMap((path) =>
        [...readFileSync(join(root, path), 'utf8').matchAll(/^.*\b(from |import\()'(\.\.\/)+service\/.*$/gm)].map(
          ([line]) => `${path}: ${line}`,
        ),
      );
    expect(importing.length).toBeGreaterThan(0);
    expect(importing.filter((line) => !/: import type \{.*\/service\/settings\.ts';$/.test(line))).toEqual([]);
  });

  it('has constructs that know neither the service nor its configuration', () => {
    const constructs = files.filter((path) => path.startsWith('k8s/constructs/'));
    expect(constructs.length).toBeGreaterThan(8);
    const knowing = constructs.filter((path) =>
      /slipway|\/(config|charts|service)\//.test(readFileSync(join(root, path), 'utf8')),
    );
    expect(knowing).toEqual([]);
  });

  it('has no source file of the product over 300 lines', () => {
    const long = files
      .filter((path) => /^(service|local|config|observability|k8s|infra)\/.*\.(ts|mjs)$/.test(path))
      .filter((path) => readFileSync(join(root, path), 'utf8').split('\n').length > 300);
    expect(long).toEqual([]);
  });

  it('names only files that exist in its pages', () => {
    const named = files
      .filter((path) => path.endsWith('.md') && path !== 'docs/features.md')
      .flatMap((page) =>
        [
          ...readFileSync(join(root, page), 'utf8').matchAll(
            /`((?:test|service|local|docs|config|observability|k8s)\/[\w./-]+\.(?:ts|mjs|md|sql|json))`/g,
          ),
        ].map(([, path]) => `${page}: ${path}`),
      );
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((each) => !files.includes(each.split(': ')[1] as string))).toEqual([]);
  });

  it('has no binary file but the pictures of its pages', () => {
    const endings = execFileSync('git', ['ls-files', '--eol'], { cwd: root, encoding: 'utf8' }).trim().split('\n');
    const binary = endings.filter((line) => line.startsWith('i/-text')).map((line) => line.split('\t')[1]);
    expect(binary.length).toBeGreaterThan(0);
    expect(binary.filter((path) => !/^docs\/.*\.png$/.test(path as string))).toEqual([]);
  });

  it('names no registry host and no address of a download in the lockfile', () => {
    const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
    expect(lock).not.toMatch(/"resolved": "(?!service|local|infra|k8s)/);
  });

  it('pins every dependency to an exact version', () => {
    const folders = ['.', 'service', 'local', 'k8s', 'infra'];
    for (const path of folders.map((folder) => join(folder, 'package.json'))) {
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
