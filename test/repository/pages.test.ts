import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { draw } from '../../docs/picture/draw.ts';
import { topologyOf } from '../../docs/picture/topology.ts';
import { committed, environmentNames } from '../k8s/support/manifests.ts';

const root = join(__dirname, '..', '..');

describe('the pages', () => {
  it('are what make docs makes of code and charts-out', () => {
    execFileSync(process.execPath, ['docs/generate.ts', '--check'], { cwd: root, stdio: 'pipe' });
  });

  it('link only to files that exist', () => {
    const pages = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
      cwd: root,
      encoding: 'utf8',
    });
    const links = pages
      .trim()
      .split('\n')
      .flatMap((page) =>
        [...readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link]) => [
          page,
          join(root, dirname(page), link as string),
        ]),
      );
    expect(links.length).toBeGreaterThan(10);
    expect(links.filter(([, target]) => !existsSync(target as string))).toEqual([]);
  });
});

describe('logs() of docs/logs.md', () => {
  it('asks for containers that have ended, then for those that run, and goes on after a pod without the former', () => {
    const [, body] = /```sh\n(logs\(\) \{[\s\S]*?\n)```/.exec(readFileSync(join(root, 'docs/logs.md'), 'utf8')) ?? [];
    const printed = execFileSync('bash', ['-c', `kubectl() { echo "$@"; }\n${body}\nlogs`], { encoding: 'utf8' });
    const [ended, running, ...more] = printed.trim().split('\n');
    expect(more).toEqual([]);
    expect(ended).toMatch(/^logs .*--ignore-errors --previous=true$/);
    expect(running).toMatch(/^logs .*--previous=false$/);
    for (const each of [ended, running]) expect(each).toMatch(/--namespace slipway --selector \S+ --container slipway/);
  });
});

describe('the picture of charts-out', () => {
  const topologies = environmentNames.map((name) => [name, topologyOf(committed(name), {})] as const);

  it.each(topologies)('of %s has every workload, and an arrow for every flow', (_, topology) => {
    const svg = draw(topology, 'title');
    for (const { title } of topology.workloads) expect(svg).toContain(title);
    const into = (id: string) => topology.ways.filter(({ to }) => to === id).map(({ ports }) => ports);
    expect(into('Deployment slipway').sort()).toEqual(['3000', '9090']);
    const out = (id: string) => topology.ways.filter(({ from }) => from === id).map(({ ports }) => ports);
    expect(out('Job slipway-migrate')).toEqual(['53', '5432']);
    expect(svg.match(/marker-end/g)).toHaveLength(topology.ways.length + topology.doors.length);
  });

  it('loses the arrow with the rule', () => {
    const all = committed('production');
    const without = all.filter(({ kind, metadata }) => !(kind === 'NetworkPolicy' && metadata.name === 'migrate'));
    expect(topologyOf(without, {}).ways.length).toBe(topologyOf(all, {}).ways.length - 2);
  });
});
