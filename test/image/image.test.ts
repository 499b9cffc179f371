import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createWorld, endWorld, type World } from '../support/world.ts';

const image = process.env.IMAGE ?? 'slipway:dev';
const base = process.env.NODE_IMAGE ?? 'node:24-bookworm-slim';

const docker = (...args: string[]) =>
  execFileSync('docker', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
/** Runs a program of the image instead of the service. */
const inside = (program: string, ...args: string[]) =>
  docker('run', '--rm', '--read-only', '--entrypoint', program, image, ...args);

interface Inspected {
  Size: number;
  RootFS: { Layers: string[] };
  Config: { User: string; Labels: Record<string, string>; Env: string[]; Entrypoint: string[] };
}
const inspect = (name: string) => (JSON.parse(docker('image', 'inspect', name)) as [Inspected])[0];

describe('the image', () => {
  it('adds at most 60 MB to its base', () => {
    const kilobytes = Number(inside('du', '-sk', '/app').split('\t')[0]);
    expect(kilobytes).toBeGreaterThan(1000);
    expect(kilobytes).toBeLessThanOrEqual(60e3);
  });

  it('is smaller than its base, as it carries nothing along that was removed from it', () => {
    expect(inspect(image).Size).toBeLessThan(inspect(base).Size - 10e6);
  });

  it('has its base as a layer that is the same when it is built again, so that nodes need not fetch it again', () => {
    const again = 'slipway-test-image:again';
    docker('build', '--no-cache', '--build-arg', `NODE_IMAGE=${base}`, '--tag', again, '.');
    try {
      const [first, second] = [image, again].map((name) => inspect(name).RootFS.Layers);
      expect(first).toHaveLength(2);
      expect(second?.[0]).toBe(first?.[0]);
    } finally {
      docker('rmi', '--no-prune', again);
    }
  });

  it('runs as a user above 10000, not root', () => {
    expect(inspect(image).Config.User).toBe('10001:10001');
    expect(inside('id', '-u')).toBe('10001');
  });

  it('has no npm, no package manager of Node, no source and no test in it', () => {
    const found = inside(
      'sh',
      '-c',
      'command -v npm npx corepack yarn; ls /usr/local/lib/node_modules 2>/dev/null; ls -A /app; ls -A /src 2>/dev/null; true',
    );
    expect(found).not.toMatch(/npm|npx|corepack|yarn|\.ts\b|node_modules|test/);
    expect(found).toMatch(/^main\.js$/m);
  });

  it('says what it is', () => {
    expect(inspect(image).Config.Labels).toMatchObject({
      'org.opencontainers.image.title': 'slipway',
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.version': expect.stringMatching(/./),
    });
  });

  it('has the same Node major as the tests, production mode and a filled compile cache', () => {
    expect(inside('node', '--version').split('.')[0]).toBe(process.version.split('.')[0]);
    expect(inspect(image).Config.Env).toContain('NODE_ENV=production');
    expect(Number(inside('sh', '-c', 'find /app/.compile-cache -type f | wc -l'))).toBeGreaterThan(3);
  });

  it('carries the authorities of RDS', () => {
    const pem = inside('cat', '/app/rds-ca.pem');
    expect(pem.match(/BEGIN CERTIFICATE/g)?.length).toBeGreaterThan(50);
  });

  it('has nothing in it that the registry of settings would call a secret', () => {
    expect(docker('history', '--no-trunc', image)).not.toMatch(/password|secret|token/i);
    expect(readFileSync(join(__dirname, '..', '..', 'Dockerfile'), 'utf8')).not.toMatch(
      /--mount|# syntax=|--chmod|--link/,
    );
  });

  it('checks its settings and exits 1 with every fault', () => {
    const { stderr, status } = (() => {
      try {
        docker('run', '--rm', '--read-only', image, '--check-settings');
      } catch (error) {
        return error as { stderr: string; status: number };
      }
      throw new Error('it accepted nothing at all as settings');
    })();
    expect(status).toBe(1);
    expect(stderr).toMatch(/DATABASE_URL is required/);
    expect(stderr).toMatch(/REDIS_URL is required/);
  });

  describe('as a container', () => {
    let world: World;
    beforeAll(async () => {
      world = await createWorld();
    });
    afterAll(endWorld);

    it('starts and stops on a read-only root without a capability', async () => {
      const service = await world.start();
      expect((await fetch(`${service.url}/health`)).status).toBe(200);
      expect(await service.stop()).toBe(0);
    });
  });
});
