import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accountId } from '../../config/account.ts';
import { stackOrder } from '../../infra/stack-order.ts';
import { outdir, root, synthCpu, synthSaid, texts } from './support/templates.ts';

/** Only what a shell needs: no aws, no kubectl, no docker; and no credentials. */
const bare = (path = '') => ({
  PATH: `${path}:${join(process.execPath, '..')}:/usr/bin:/bin`,
  HOME: tmpdir(),
  AWS_EC2_METADATA_DISABLED: 'true',
});

function run(args: readonly string[], path?: string) {
  const { status, stdout, stderr } = spawnSync('local/node', ['infra/deploy/main.ts', ...args], {
    cwd: root,
    encoding: 'utf8',
    env: bare(path),
  });
  return { status, stdout, stderr };
}

function make(args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync('make', args, { cwd: root, encoding: 'utf8', env: bare() });
  return { status, stdout, stderr };
}

const bin = mkdtempSync(join(tmpdir(), 'infra-bin-'));
afterAll(() => rmSync(bin, { recursive: true }));

describe.each(['staging', 'production'])('a dry run for %s needs no credentials and no tool', (environment) => {
  it('of a deployment prints each step in order, and what only a person can do', () => {
    const { status, stdout, stderr } = run(['deploy', environment, '--dry-run']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const order = ['infra/main.ts', 'bootstrap', 'registry-us-east-1']
      .concat(stackOrder.map((stack) => `deploy ${environment}/${stack} `))
      .concat('update-kubeconfig', `k8s/deploy/deploy.ts ${environment}`, '/health')
      .concat(`deploy ${environment}/observability `);
    const places = order.map((text) => stdout.indexOf(text));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(stdout).toContain('update-cost-allocation-tags-status');
    expect(stdout).toContain('in an organization only its management account can');
    expect(stdout).toContain(
      `aws sns subscribe --topic-arn arn:aws:sns:us-east-1:${accountId}:slipway-${environment}-page`,
    );
    expect(stdout).toContain('aws iam create-service-linked-role --aws-service-name spot.amazonaws.com');
  });

  it('of taking it down deletes the alarms first, the Ingress and the volumes before any other stack, and names what stays', () => {
    const { status, stdout } = run(['destroy', environment, '--dry-run']);
    expect(status).toBe(0);
    const places = [`destroy ${environment}/observability`, 'delete ingress', 'delete nodepools', 'delete nodeclaims']
      .concat('delete pvc', `destroy ${environment}/cluster`)
      .map((text) => stdout.indexOf(text));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(stdout.includes(`destroy ${environment}/data`)).toBe(environment === 'staging');
    expect(stdout).toContain('the image repository slipway');
    expect(stdout.includes('database, Redis, buckets')).toBe(environment === 'production');
  });
});

describe('through make', () => {
  it.each(['deploy', 'destroy'])('%s ENV=staging DRY_RUN=1 prints the same steps, and nothing else', (verb) => {
    expect(make([verb, 'ENV=staging', 'DRY_RUN=1'])).toEqual(run([verb, 'staging', '--dry-run']));
  });

  it.each(['deploy', 'destroy'])('DRY_RUN=0 is no dry run: %s stops at what it lacks', (verb) => {
    const { status, stderr } = make([verb, 'ENV=staging', 'DRY_RUN=0']);
    expect(status).toBe(2);
    expect(stderr).toContain('aws is missing or does not work');
  });

  it.each([
    ['ENV=staging', 'aws is missing or does not work'],
    ['ENV=nowhere', 'There is no environment nowhere; there are local, staging, production.'],
  ])('infra-diff %s stops at what it lacks', (env, message) => {
    const { status, stdout, stderr } = make(['infra-diff', env]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('infra-synth writes the templates where it says, and infra-docs would draw the page from them', () => {
    const { status, stdout, stderr } = make(['infra-synth']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe(`${readFileSync(synthSaid, 'utf8')}The templates are in .cache/cdk.out.\n`);
    expect(texts(join(root, '.cache', 'cdk.out'))).toEqual(texts(outdir));
    // Asked what it would run, as it writes into docs/.
    const { stdout: recipe } = make(['--dry-run', 'infra-docs']);
    expect(recipe).toMatch(/\nlocal\/node infra\/picture\.ts \.cache\/cdk\.out\n$/);
  });
});

it('each stack that is deployed exists, after those that it depends on', () => {
  const { stdout } = run(['deploy', 'production', '--dry-run']);
  const order = [...stdout.matchAll(/cdk deploy (\S+)/g)].map(([, id]) => id as string);
  const { artifacts } = JSON.parse(readFileSync(join(outdir, 'manifest.json'), 'utf8')) as {
    artifacts: Record<string, { displayName?: string; dependencies?: string[] }>;
  };
  const idOf = (artifact: string) => artifacts[artifact]?.displayName?.split(' ')[0] as string;
  for (const [place, id] of order.entries()) {
    const [artifact] = Object.keys(artifacts).filter((each) => idOf(each) === id);
    expect(artifact).toBeDefined();
    const needs = (artifacts[artifact as string]?.dependencies ?? []).map(idOf).filter((each) => order.includes(each));
    for (const need of needs)
      expect({ id, need, before: order.indexOf(need) < place }).toEqual({ id, need, before: true });
  }
  expect(order).toHaveLength(7);
});

describe('is refused in one line that says what to do', () => {
  it.each([
    [['destroy', 'staging'], 'aws is missing or does not work: https://'],
    [['diff', 'staging'], 'aws is missing or does not work: https://'],
    [['deploy', 'local'], 'local does not run in AWS'],
    [['deploy', 'nowhere'], 'There is no environment nowhere; there are local, staging, production.'],
    [['deploy'], 'Which environment? ENV=local|staging|production'],
    [['conquer', 'staging'], 'Usage:'],
  ])('%j', (args, message) => {
    const { status, stderr } = run(args);
    expect(status).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr).not.toMatch(/\n {4}at |Error:/);
  });

  it.each([
    [['deploy', 'ENV=staging', 'ONLY=servce'], 'There is no part "servce" to deploy alone; ONLY knows: service.'],
    [
      ['deploy', 'ENV=staging', 'ONLY=service data'],
      'There is no part "service data" to deploy alone; ONLY knows: service.',
    ],
    [
      ['destroy', 'ENV=staging', 'ONLY=service'],
      'ONLY is for make deploy: make destroy takes the whole environment down.',
    ],
  ])('make %j', (args, message) => {
    const { status, stdout, stderr } = make([...args, 'DRY_RUN=1']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^Makefile:\d+: \*\*\* .* {2}Stop\.\n$/);
    expect(stderr).toContain(message);
  });

  describe('a configuration that contradicts itself', () => {
    const tree = join(bin, 'tree');
    beforeAll(() => {
      for (const path of ['package.json', 'config', 'infra', 'local', 'observability', 'service', 'k8s']) {
        cpSync(join(root, path), join(tree, path), { recursive: true });
      }
      symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
      const file = join(tree, 'config', 'staging.ts');
      writeFileSync(file, readFileSync(file, 'utf8').replace('poolSize: 10', 'poolSize: 0'));
    });

    it.each([[['infra/main.ts', 'out']], [['infra/deploy/main.ts', 'deploy', 'production', '--dry-run']]])(
      '%j',
      (args) => {
        const { status, stdout, stderr } = spawnSync('local/node', args, { cwd: tree, encoding: 'utf8', env: bare() });
        expect({ status, stdout, stderr }).toEqual({
          status: 1,
          stdout: '',
          stderr: `The environment staging is contradictory or incomplete:
  database.poolSize must be a whole number of connections from 1 to 100
`,
        });
      },
    );
  });

  const tool = (name: string, script: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  };

  it('without credentials, and in another account', () => {
    const script = join(root, 'test', 'infra', 'support', 'account.ts');
    const ask = () => spawnSync('local/node', [script], { cwd: root, encoding: 'utf8', env: bare(bin) }).stdout.trim();
    tool('aws', 'echo "Unable to locate credentials." >&2; exit 253');
    expect(ask()).toBe('No credentials of AWS: Unable to locate credentials. Log in, for example with: aws sso login');
    tool('aws', 'echo \'{"Account":"999999999999"}\'');
    expect(ask()).toContain(
      `belongs to the account ${accountId} (config/account.ts), but you are logged in to 999999999999.`,
    );
    tool('aws', `echo '{"Account":"${accountId}"}'`);
    expect(ask()).toBe('');
  });
});

it('writing the templates says what it is at, as it takes a while', () => {
  expect(readFileSync(synthSaid, 'utf8')).toBe(`Loading the CDK …
Making the stacks of staging …
Making the stacks of production …
Writing and checking the templates …
`);
});

it('writing the templates of all environments takes less than 20 s', () => {
  // Of CPU, of which it has one to itself: how busy the machine is with others says nothing.
  const { user, system } = JSON.parse(readFileSync(synthCpu, 'utf8')) as NodeJS.CpuUsage;
  expect((user + system) / 1e6).toBeGreaterThan(1);
  expect((user + system) / 1e6).toBeLessThan(20);
});
