// `make settings`: the numbers of an environment and where each came from, or one line that says what is wrong.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { accountId, allowedCidrs } from '../../config/account.ts';
import { root } from '../k8s/support/manifests.ts';

interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

// Of the make that may have started this test nothing is passed on.
const { MAKEFLAGS, MFLAGS, MAKELEVEL, MAKEOVERRIDES, ENV, ...env } = process.env;

const run = (program: string, args: string[], cwd = root): Promise<Ran> =>
  promisify(execFile)(program, args, { cwd, env }).then(
    (done) => ({ ...done, code: 0 }),
    ({ code, stdout, stderr }: Ran) => ({ code, stdout, stderr }),
  );

/** As a person calls it; what it needs is installed already. */
const make = (...args: string[]) => run('make', ['--silent', '--old-file=install', 'settings', ...args]);

/** Name → value and source. */
function table(text: string): Map<string, string[]> {
  const rows = text.trimEnd().split('\n');
  return new Map(rows.map((row) => row.split(/ {2,}/)).map(([name, ...rest]) => [name as string, rest]));
}

describe('make settings', () => {
  it('prints every number of production, and where it came from', async () => {
    const { code, stdout, stderr } = await make('ENV=production');
    expect([code, stderr]).toEqual([0, '']);
    const rows = table(stdout);
    expect([...rows.values()].filter((rest) => rest.length !== 2)).toEqual([]);
    expect(Object.fromEntries(rows)).toMatchObject({
      accountId: [accountId, 'config/account.ts'],
      'aws.cluster.allowedCidrs': [allowedCidrs.join(', '), 'config/account.ts'],
      'service.httpPort': ['3000', 'config/service.ts'],
      region: ['us-east-1', 'config/production.ts'],
      longestRequestSeconds: ['300', 'config/production.ts'],
      'scaling.maxReplicas': ['10', 'config/production.ts'],
      'network.vpcCidr': ['10.0.0.0/16', 'config/network.ts'],
      'loadBalancer.cidrs': ['10.0.1.0/24, 10.0.2.0/24', 'config/production.ts'],
      'loadBalancer.idleSeconds': ['60', 'default of config/schema.ts'],
      'loadBalancer.healthCheck.intervalSeconds': ['30', 'default of config/schema.ts'],
      'loadBalancer.exceptCidrs': ['none', 'default of config/schema.ts'],
      'rollout.surge': ['2', 'config/production.ts'],
      'rollout.progressDeadlineSeconds': ['600', 'default of config/schema.ts'],
      keepAliveSeconds: ['75 s', 'loadBalancer.idleSeconds + 15: the load balancer closes first'],
      terminationGraceSeconds: ['325 s', 'loadBalancer.preStopSeconds + longestRequestSeconds + 10 to close'],
      connectionsAtMost: [
        '240 connections',
        'database.poolSize × (scaling.maxReplicas + rollout.surge), to writer and reader alike; those of pods that are still ending come on top',
      ],
      podsPerNode: [
        '1 pods',
        'what pod.cpuRequestMillis, pod.memoryMiB, pod.ephemeralStorageMiB (in AWS), Nginx (proxy) and the addresses of a node allow',
      ],
      DATABASE_POOL_SIZE: ['20', 'config/service-settings.ts'],
      S3_BUCKET: [`slipway-production-files-${accountId}`, 'config/service-settings.ts'],
    });
  });

  it.each([
    ['local', 'config/local.ts', 'default of config/schema.ts'],
    ['staging', 'default of config/schema.ts', 'config/staging.ts'],
  ])('tells what %s says itself from defaults', async (name, evict, cost) => {
    const rows = table((await make(`ENV=${name}`)).stdout);
    expect(rows.get('rollout.evictAfterSeconds')?.[1]).toBe(evict);
    expect(rows.get('scaling.scaleIn')?.[1]).toBe(cost);
  });

  it('ends without a word when its reader has read enough, as `| head` does', async () => {
    const program = spawn(process.execPath, [join(root, 'config', 'main.ts'), 'production'], { env });
    program.stdout.destroy();
    const [stderr, [code]] = await Promise.all([text(program.stderr), once(program, 'close')]);
    expect([stderr, code]).toEqual(['', 0]);
  });

  it.each([
    ['an unknown environment', ['ENV=prod'], 'There is no environment prod; there are local, staging, production.'],
    ['a command of the shell', ['ENV=;id'], 'There is no environment ;id; there are local, staging, production.'],
    ['a quote', ["ENV='"], "There is no environment '; there are local, staging, production."],
    [
      'a function of make',
      ['ENV=$(info,x)'],
      'There is no environment $(info,x); there are local, staging, production.',
    ],
    ['no environment', [], 'Which environment? ENV=local|staging|production'],
  ])('of %s says so in one line and fails', async (_, args, told) => {
    const { code, stdout, stderr } = await make(...args);
    expect([code, stdout]).toEqual([2, '']);
    const lines = stderr.trim().split('\n');
    expect(lines[0]).toBe(told);
    // The only other line is make's own.
    expect(lines.slice(1)).toEqual([expect.stringMatching(/^make: \*\*\* .*Error 1$/)]);
  });
});

describe('an environment that contradicts itself', () => {
  let tree: string;
  beforeAll(() => {
    tree = mkdtempSync(join(tmpdir(), 'config-'));
    for (const path of ['package.json', 'config', 'observability', 'k8s', 'charts-out']) {
      cpSync(join(root, path), join(tree, path), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
    const file = join(tree, 'config', 'staging.ts');
    writeFileSync(file, readFileSync(file, 'utf8').replace('poolSize: 10', 'poolSize: 13'));
  });
  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  it.each([
    ['config/main.ts', 'production'],
    ['k8s/main.ts', '--check'],
    ['k8s/main.ts', ''],
  ])('keeps %s %s from doing anything, and both values are named without a stack', async (program, argument) => {
    expect(await run(process.execPath, [join(tree, program), argument], tree)).toEqual({
      code: 1,
      stdout: '',
      stderr: `The environment staging is contradictory or incomplete:
  database.poolSize 13 × (scaling.maxReplicas 10 + rollout.surge 1) = 143 connections is more than database.maxConnections 150 − database.reservedConnections 15 = 135
`,
    });
  });
});
