import { Client } from 'pg';
import { throwawaySecret } from '../../k8s/charts/local-credentials.ts';
import { storePorts } from '../../k8s/charts/parts.ts';
import { type Forward, forward } from './support/forward.ts';
import { get, isReady, type KubeObject, type Pod } from './support/kubectl.ts';

import { type ClusterWorld, createWorld } from './support/world.ts';

interface Login {
  username: string;
  password: string;
}

interface PodWithVolumes extends Pod {
  spec: Pod['spec'] & {
    serviceAccountName: string;
    automountServiceAccountToken?: boolean;
    volumes?: { name: string; projected?: unknown; secret?: { secretName: string; items: { key: string }[] } }[];
  };
}

const login = (key: 'database-app-a' | 'database-app-b' | 'database-migrator') =>
  JSON.parse(throwawaySecret.texts[key]) as Login;
const appUsers = [login('database-app-a'), login('database-app-b')];
const master = { username: 'postgres', password: throwawaySecret.texts['postgres-password'] };

let world: ClusterWorld;
let database: Forward;
beforeAll(async () => {
  world = await createWorld({ name: 'test-identity', nodePort: 30_111 });
  await world.apply();
  await world.ready();
  await world.kubectl('wait', '--for=condition=Complete', 'job', '--all', '--timeout=60s');
  database = await forward(world.namespace, 'service/postgres', storePorts.postgres);
});
afterAll(async () => {
  await database?.stop();
  await world?.end();
});

const allPods = async () => (await get<{ items: PodWithVolumes[] }>('pods', '--namespace', world.namespace)).items;

describe('service accounts', () => {
  const accounts = ['slipway', 'slipway-bootstrap', 'slipway-migrate', 'postgres', 'redis', 's3'];
  const rightsOf = (account: string) =>
    world.kubectl('auth', 'can-i', '--list', `--as=system:serviceaccount:${world.namespace}:${account}`);

  it('are one for each kind of pod, and pods use no other', async () => {
    const pods = await allPods();
    expect(new Set(pods.map(({ spec }) => spec.serviceAccountName))).toEqual(new Set(accounts));
  });

  it.each(accounts)('%s has the rights of anybody who can log in, and no more', async (account) => {
    const rights = await rightsOf(account);
    expect(rights).toBe(await rightsOf('an-account-that-nothing-is-bound-to'));
    const rows = rights
      .split('\n')
      .slice(1)
      .filter((line) => line !== '');
    // Asking about oneself, and reading paths that describe the API; nothing that is an object of the cluster.
    const harmless = /^(self\w+\.\w+\.k8s\.io +\[\] +\[\] +\[create\]| +\[\/[\w./*-]+\] +\[\] +\[get\])$/;
    expect(rows.filter((row) => !harmless.test(row))).toEqual([]);
    expect(rows.length).toBeGreaterThan(5);
  });

  it('a right that somebody binds to it would show', async () => {
    const binding = ['rolebinding', 'too-much', '--clusterrole=view'];
    await world.kubectl('create', ...binding, `--serviceaccount=${world.namespace}:slipway`);
    expect(await rightsOf('slipway')).not.toBe(await rightsOf('an-account-that-nothing-is-bound-to'));
    await world.kubectl('delete', 'rolebinding', 'too-much');
  });

  it('no pod has a token for the API server', async () => {
    for (const { metadata, spec } of await allPods()) {
      expect([metadata.name, spec.automountServiceAccountToken]).toEqual([metadata.name, false]);
      expect(spec.volumes?.filter(({ projected }) => projected !== undefined)).toEqual([]);
    }
    for (const target of ['deployment/slipway', 'statefulset/postgres', 'statefulset/redis']) {
      const tokens = world.kubectl('exec', target, '--', 'cat', '/var/run/secrets/kubernetes.io/serviceaccount/token');
      await expect(tokens).rejects.toThrow('No such file or directory');
    }
  });
});

describe('processes', () => {
  const targets = ['deployment/slipway', 'statefulset/postgres', 'statefulset/redis'];

  it.each(targets)('of %s have no capabilities, can gain none, and are under seccomp', async (target) => {
    const status = await world.kubectl('exec', target, '--', 'cat', '/proc/1/status');
    const field = (name: string) => new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(status)?.[1];
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) expect(field(set)).toMatch(/^0+$/);
    expect(field('NoNewPrivs')).toBe('1');
    expect(field('Seccomp')).toBe('2');
    const uids = (field('Uid') ?? '').split(/\s+/).map(Number);
    // The images of PostgreSQL and Redis bring a user of their own; the service's is no user of a node.
    const least = target === 'deployment/slipway' ? 10_001 : 1;
    expect(Math.min(...uids)).toBeGreaterThanOrEqual(least);
  });

  it.each(targets)('of %s can write nothing into their image', async (target) => {
    for (const path of ['/new', '/usr/new', '/tmp/../new']) {
      const write = world.kubectl('exec', target, '--', 'touch', path);
      await expect(write).rejects.toThrow('Read-only file system');
    }
  });
});

describe('database users', () => {
  async function as(user: Login, text: string, name = 'slipway'): Promise<Record<string, unknown>[]> {
    const { username, password } = user;
    const client = new Client({ host: '127.0.0.1', port: database.port, database: name, user: username, password });
    await client.connect();
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end();
    }
  }

  it('are given to each pod alone: no pod mounts what another one logs in with', async () => {
    const mounted = new Map(
      (await allPods()).map(({ metadata, spec }): [string, string[]] => [
        metadata.labels?.['app.kubernetes.io/component'] ?? '',
        (spec.volumes ?? []).flatMap(({ secret }) => secret?.items.map(({ key }) => key) ?? []),
      ]),
    );
    const logins = (component: string) =>
      mounted.get(component)?.filter((key) => /^database-.*|postgres-password/.test(key));
    expect(logins('web')).toEqual(['database-url', 'database-app-a']);
    expect(logins('migrate')).toEqual(['database-url', 'database-migrator']);
    expect(logins('database')).toEqual(['postgres-password']);
    expect(logins('cache')).toEqual([]);
  });

  it('that the pods are logged in with is an app user', async () => {
    await fetch(`${world.url}/health`);
    const rows = await as(
      master,
      "SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = 'slipway' AND backend_type = 'client backend'",
      'postgres',
    );
    expect(rows).toEqual([{ usename: login('database-app-a').username }]);
  });

  it('that made the tables is the owner alone, through the Jobs', async () => {
    const owners = await as(master, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'");
    expect(owners).toEqual([{ tableowner: 'slipway_owner' }]);
    const jobs = await get<{ items: (KubeObject & { status: { succeeded?: number } })[] }>(
      'jobs',
      '--namespace',
      world.namespace,
    );
    expect(jobs.items.map(({ status }) => status.succeeded)).toEqual([1, 1]);
  });

  it.each([
    'CREATE TABLE mine (id int)',
    'ALTER TABLE keys ADD COLUMN mine int',
    'DROP TABLE keys',
    'TRUNCATE files',
    'CREATE SCHEMA mine',
    'CREATE ROLE mine',
    'SET ROLE slipway_owner',
    "COPY keys TO PROGRAM 'true'",
  ])('of the service may not: %s', async (statement) => {
    for (const user of appUsers) await expect(as(user, statement)).rejects.toMatchObject({ code: '42501' });
  });

  it('of the service may read and write rows', async () => {
    for (const user of appUsers) await expect(as(user, 'SELECT count(*) FROM keys')).resolves.toHaveLength(1);
    expect((await world.pods()).filter(isReady).length).toBeGreaterThanOrEqual(2);
    await expect(world.adminKey()).resolves.toMatch(/\S/);
  });
});
