import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseAllDocuments } from 'yaml';
import { namesBeside } from '../../config/contradictions.ts';
import { environmentNamed, environments } from '../../config/environments.ts';
import { type Images, readImages } from '../../config/images.ts';
import { render, synthesize } from '../../k8s/synth.ts';
import { judge } from './support/checklist.ts';
import { committed, environmentNames, idOf, type Manifest, root, synthesized } from './support/manifests.ts';
import { references } from './support/references.ts';
import { everything, variants, withRedisUi } from './support/variants.ts';
import { waivers } from './support/waivers.ts';
import { ofKind } from './support/workloads.ts';

const textOf = (environment: string, file: string) => readFileSync(join(root, 'charts-out', environment, file), 'utf8');

function rendered(environment: string): Record<string, string> {
  const made = synthesize({ environment: environmentNamed(environment), images: readImages() });
  return Object.fromEntries([...made].map(([file, manifests]) => [file, render(manifests)]));
}

describe('charts-out', () => {
  it.each(environmentNames)('/%s is byte for byte what config/ and k8s/ make', (name) => {
    const files = readdirSync(join(root, 'charts-out', name));
    expect(Object.fromEntries(files.map((file) => [file, textOf(name, file)]))).toEqual(rendered(name));
  });

  it.each(environmentNames)('/%s comes out the same when made twice', (name) => {
    expect(rendered(name)).toEqual(rendered(name));
  });

  it('holds no environment that config/ does not know', () => {
    expect(readdirSync(join(root, 'charts-out')).sort()).toEqual(environments.map(({ name }) => name).sort());
  });

  it('holds one file per chart, named by its place in the order of application', () => {
    const inAws = ['00-namespace', '10-network-policies', '20-secrets', '40-database-jobs', '50-routing'];
    const last = ['60-service', '70-monitoring', '75-rules', '80-dashboards'];
    const files = (name: string) =>
      readdirSync(join(root, 'charts-out', name)).map((file) => file.replace('.yaml', ''));
    expect(files('production')).toEqual([...inAws, ...last]);
    expect(files('staging')).toEqual([...inAws, ...last]);
    expect(files('local')).toEqual([...inAws.slice(0, 3), '30-data', ...inAws.slice(3), ...last]);
  });

  it.each(environmentNames)('/%s holds each thing before what needs it', (name) => {
    const ids = committed(name).map(idOf);
    const order = [
      ['Namespace/', 'NetworkPolicy/default-deny'],
      ['NetworkPolicy/default-deny', 'Deployment/slipway'],
      [name === 'local' ? 'Secret/' : 'ExternalSecret/slipway', 'Job/'],
      ['ServiceAccount/slipway', 'Deployment/slipway'],
      ['ConfigMap/slipway', 'Deployment/slipway'],
      // Of these the controller makes the TargetGroupBinding, for which make deploy waits before the first pods.
      ['Service/slipway', 'Deployment/slipway'],
      ['Ingress/slipway', 'Deployment/slipway'],
    ] as const;
    const place = (start: string) => ids.findIndex((id) => id.startsWith(start));
    expect(order.filter(([first, second]) => place(first) === -1 || place(first) >= place(second))).toEqual([]);
  });

  const common = [
    'Namespace/slipway',
    ...['default-deny', 'web', 'bootstrap', 'migrate'].map((each) => `NetworkPolicy/${each}`),
    ...['ServiceAccount', 'Job'].flatMap((kind) => [`${kind}/slipway-bootstrap`, `${kind}/slipway-migrate`]),
    ...['Service', 'Ingress', 'ServiceAccount', 'ConfigMap', 'PodDisruptionBudget', 'Deployment'].map(
      (kind) => `${kind}/slipway`,
    ),
    'HorizontalPodAutoscaler/slipway',
    'ServiceMonitor/slipway',
    'PrometheusRule/slipway',
    'ConfigMap/slipway-dashboard-overview',
  ];
  const fetched = [
    'SecretStore/slipway',
    ...['slipway', 'slipway-bootstrap', 'slipway-migrate'].map((each) => `ExternalSecret/${each}`),
  ];
  const stores = [
    'Secret/throwaway-credentials',
    ...['database', 'cache', 'objects'].map((each) => `NetworkPolicy/${each}`),
    ...['postgres', 'redis', 's3'].flatMap((each) =>
      ['ServiceAccount', 'Service', 'StatefulSet'].map((kind) => `${kind}/${each}`),
    ),
  ];

  it.each([
    ['local', stores],
    ['staging', fetched],
    ['production', fetched],
  ])('/%s has names that people gave; only Jobs end in a hash of their content', (name, own) => {
    const ids = committed(name).map(idOf);
    expect(ids.filter((id) => id.startsWith('Job/')).every((id) => /-[0-9a-f]{8}$/.test(id))).toBe(true);
    const given = ids.map((id) => (id.startsWith('Job/') ? id.replace(/-[0-9a-f]{8}$/, '') : id));
    expect(given.sort()).toEqual([...common, ...own].sort());
  });

  it('calls what runs beside the service as config/ says that the service may not be called', () => {
    const names = withRedisUi().map(({ metadata }) => metadata.labels?.['app.kubernetes.io/name']);
    expect(new Set(names)).toEqual(new Set(['slipway', ...namesBeside]));
  });

  it('names a Job by its content: another image or setting is another Job, and nothing else is', () => {
    const images = readImages();
    const { service } = images;
    const jobs = (manifests: readonly Manifest[]) => ofKind(manifests, 'Job').map(idOf);
    const production = environmentNamed('production');
    const released = synthesized(production, { ...images, service: { ...service, production: { tag: '0.2.0' } } });
    const now = jobs(synthesized(production));
    expect(jobs(released)).not.toContain(now[0]);
    expect(jobs(released)).not.toContain(now[1]);
    expect(jobs(synthesized(variants['with TLS']))).toEqual(now);
    expect(jobs(synthesized(variants['without scaling']))).toEqual(now);
  });

  it('is made for all environments within 3 s', async () => {
    // Of CPU: nothing else takes time, and how busy the machine is with others says nothing.
    const tell = "process.on('exit', () => console.error(JSON.stringify(process.cpuUsage())))";
    const args = ['--import', `data:text/javascript,${tell}`, join(root, 'k8s', 'main.ts'), '--check'];
    const { stderr } = await promisify(execFile)(process.execPath, args, { cwd: root });
    const { user, system } = JSON.parse(stderr) as NodeJS.CpuUsage;
    expect((user + system) / 1e6).toBeGreaterThan(0.1);
    expect((user + system) / 1e6).toBeLessThan(3);
  });
});

const parsed = (text: string) => parseAllDocuments(text).map((each) => each.toJS() as Manifest);

describe('fields that cdk8s-plus-28 does not know are in the text of charts-out', () => {
  const deployment = (name: string) => ofKind(parsed(textOf(name, '60-service.yaml')), 'Deployment')[0];

  it.each([
    ['local', 5, 50],
    ['staging', 15, 325],
    ['production', 15, 325],
  ])('%s: preStop sleeps %i s of %i s of grace', (name, sleep, grace) => {
    expect(deployment(name)).toMatchObject({
      spec: {
        template: {
          spec: {
            terminationGracePeriodSeconds: grace,
            containers: [{ lifecycle: { preStop: { sleep: { seconds: sleep } } } }],
          },
        },
      },
    });
  });

  it.each([
    ['local', '100m', '100m'],
    ['staging', '100m', '100m'],
    ['production', '100m', '100m'],
  ])('%s: the HPA tolerates %s up and %s down', (name, up, down) => {
    const [hpa] = ofKind(parsed(textOf(name, '60-service.yaml')), 'HorizontalPodAutoscaler');
    expect(hpa).toMatchObject({ spec: { behavior: { scaleUp: { tolerance: up }, scaleDown: { tolerance: down } } } });
  });

  it('and so are those of Kubernetes 1.28 that were seen to get lost', () => {
    for (const name of environmentNames) {
      expect(deployment(name)).toMatchObject({
        spec: {
          template: {
            spec: {
              containers: [
                {
                  livenessProbe: { terminationGracePeriodSeconds: 10 },
                  terminationMessagePolicy: 'FallbackToLogsOnError',
                },
              ],
              topologySpreadConstraints: [
                { matchLabelKeys: ['pod-template-hash'], nodeTaintsPolicy: 'Honor' },
                { matchLabelKeys: ['pod-template-hash'], nodeTaintsPolicy: 'Honor' },
              ],
            },
          },
        },
      });
      expect(ofKind(committed(name), 'PodDisruptionBudget')).toMatchObject([
        { spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow' } },
      ]);
    }
    const [withProxy] = ofKind(synthesized(variants['with Nginx']), 'Deployment');
    expect(withProxy).toMatchObject({
      spec: { template: { spec: { initContainers: [{ restartPolicy: 'Always' }] } } },
    });
  });

  it('with nothing left empty by a field that was dropped', () => {
    const hollow = (value: unknown, path: string): string[] => {
      if (typeof value !== 'object' || value === null) return [];
      const members = Object.entries(value);
      if (members.length === 0 && /lifecycle|preStop|probe|behavior|resources/i.test(path)) return [path];
      return members.flatMap(([key, member]) => hollow(member, `${path}.${key}`));
    };
    const all = [...environments, ...everything].flatMap((each) => synthesized(each));
    expect(all.flatMap((each) => hollow(each, idOf(each)))).toEqual([]);
  });
});

describe('make synth', () => {
  const renamed = waivers.map((each) => ({ ...each, object: each.object.replace('slipway', 'my-harbour') }));
  let tree: string;
  beforeAll(() => {
    tree = mkdtempSync(join(tmpdir(), 'synth-'));
    for (const path of ['package.json', 'config', 'k8s', 'observability', 'charts-out']) {
      cpSync(join(root, path), join(tree, path), { recursive: true, preserveTimestamps: true });
    }
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  });
  afterAll(() => rmSync(tree, { recursive: true, force: true }));

  const at = (path: string) => join(tree, 'charts-out', path);
  const synth = (...args: string[]) =>
    promisify(execFile)(process.execPath, [join(tree, 'k8s', 'main.ts'), ...args], { cwd: tree }).then(
      (done) => ({ ...done, code: 0 }),
      (failed: { stdout: string; stderr: string; code: number }) => failed,
    );
  const times = () =>
    readdirSync(at(''), { recursive: true, encoding: 'utf8' })
      .sort()
      .map((path) => `${path} ${statSync(at(path)).mtimeMs}`);

  it('writes nothing when nothing changed', async () => {
    const before = times();
    expect(await synth()).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(times()).toEqual(before);
  });

  it('--check finds a file that was changed, one that is missing and one too many, and writes nothing', async () => {
    writeFileSync(
      at('production/60-service.yaml'),
      textOf('production', '60-service.yaml').replace('maxSurge: 2', 'maxSurge: 3'),
    );
    rmSync(at('staging/50-routing.yaml'));
    writeFileSync(at('local/80-more.yaml'), '');
    const before = times();
    const { code, stdout, stderr } = await synth('--check');
    expect(code).toBe(1);
    expect(stdout.trim().split('\n').sort()).toEqual([
      'charts-out/local/80-more.yaml is no longer made',
      'charts-out/production/60-service.yaml differs',
      'charts-out/staging/50-routing.yaml differs',
    ]);
    expect(stderr).toBe('charts-out is not what config/ and k8s/ make: run `make synth` and commit it.\n');
    expect(times()).toEqual(before);
  });

  it('writes only those again', async () => {
    const before = new Set(times());
    const { code, stdout } = await synth();
    expect([code, stdout.trim().split('\n').length]).toEqual([0, 3]);
    const written = times().filter((each) => !before.has(each) && each.includes('.yaml'));
    expect(written.map((each) => each.split(' ')[0])).toEqual([
      'production/60-service.yaml',
      'staging/50-routing.yaml',
    ]);
    expect(await synth('--check')).toMatchObject({ code: 0, stdout: '' });
  });

  it.each([
    [{ digest: 'sha256:12' }, /service\.staging\.tag needs a tag.*digest must be sha256: and 64/],
    [undefined, /^config\/images\.json: service\.staging is missing$/],
  ])('says in one line what is wrong with the images when that of staging is %j', async (staging, told) => {
    const file = join(tree, 'config', 'images.json');
    const good = readFileSync(file, 'utf8');
    const before = times();
    const images = JSON.parse(good) as Images;
    writeFileSync(file, JSON.stringify({ ...images, service: { ...images.service, staging } }));
    const { code, stdout, stderr } = await synth();
    writeFileSync(file, good);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr.trim()).toMatch(told);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(times()).toEqual(before);
  });

  it('makes the manifests of another service when config/ names another, and none of them says whose they were', async () => {
    const file = join(tree, 'config', 'service.ts');
    const good = readFileSync(file, 'utf8');
    writeFileSync(file, good.replace("name: 'slipway'", "name: 'my-harbour'"));
    const { code } = await synth();
    writeFileSync(file, good);
    expect(code).toBe(0);
    for (const name of environmentNames) {
      const texts = readdirSync(at(name)).map((each) => readFileSync(at(join(name, each)), 'utf8'));
      const made = texts.flatMap(parsed);
      expect(made.map(idOf)).toContain('Deployment/my-harbour');
      expect(texts.join('').match(/.*slipway.*/g)).toBeNull();
      // PostgreSQL's names have no dash: the service refuses such a database or user.
      const all = texts.join('');
      expect(all).toMatch(/DATABASE_NAME\n +value: my_harbour\n/);
      expect(all).toMatch(/postgres:\/\/.+\/my_harbour\n/);
      expect(all).not.toMatch(/postgres:\/\/.+\/my-harbour|"my-harbour_/);
      expect(judge([made], renamed).findings).toEqual([]);
      expect(references.flatMap(({ faults }) => faults(made))).toEqual([]);
    }
  });
});
