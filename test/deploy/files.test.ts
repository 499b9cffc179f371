// kind.yaml, skaffold.yaml and what belongs to them, without kind, Skaffold or a cluster.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { readImages } from '../../config/images.ts';
import { local } from '../../config/local.ts';
import { redisUi, redisUiImage } from '../../k8s/charts/redis-ui.ts';
import { addons } from '../../k8s/deploy/addons.ts';
import { type Manifest, manifestsOf, render } from '../../k8s/synth.ts';
import { schemasFor } from '../k8s/support/schema.ts';
import { root } from './support/checkout.ts';
import { faultsOf, skaffoldConfig } from './support/skaffold-schema.ts';

const text = (path: string) => readFileSync(join(root, path), 'utf8');

describe('kind.yaml', () => {
  interface Node {
    role: string;
    image: string;
    labels?: Record<string, string>;
    extraPortMappings?: { containerPort: number; hostPort: number; listenAddress: string }[];
  }
  const kind = parse(text('kind.yaml')) as { name: string; networking: { podSubnet: string }; nodes: Node[] };

  it('has two workers, each in a zone of its own', () => {
    const workers = kind.nodes.filter(({ role }) => role === 'worker');
    expect(workers.map(({ labels }) => labels?.['topology.kubernetes.io/zone'])).toEqual(['a', 'b']);
  });

  it('opens the node port of config/local.ts to this machine only', () => {
    const mappings = kind.nodes.flatMap(({ extraPortMappings = [] }) => extraPortMappings);
    const { nodePort } = local.loadBalancer;
    expect(mappings).toEqual([
      { containerPort: nodePort, hostPort: nodePort, listenAddress: '127.0.0.1', protocol: 'TCP' },
    ]);
  });

  it('gives pods the addresses that config/local.ts takes for pods, on a Kubernetes that the manifests need', () => {
    expect([kind.networking.podSubnet]).toEqual(local.loadBalancer.exceptCidrs);
    for (const { image } of kind.nodes) expect(image).toMatch(/^kindest\/node:v1\.(3[5-9]|[4-9]\d)\.\d+$/);
  });

  it('names every version of an addon in its address', () => {
    expect(addons.metricsServer.url).toContain(`/${addons.metricsServer.version}/`);
    for (const url of addons.prometheusOperatorDefinitions.urls)
      expect(url).toContain(`/${addons.prometheusOperatorDefinitions.version}/`);
  });
});

describe('skaffold.yaml', () => {
  interface Section {
    manifests: { rawYaml: string[]; hooks: { before: { host: { command: string[] } }[] } };
    portForward: { resourceType: string; resourceName: string; namespace: string; port: number; localPort: number }[];
  }
  interface Config extends Section {
    apiVersion: string;
    build: { artifacts: { image: string; docker: { dockerfile: string } }[] };
    test: { custom: { dependencies: { paths: string[] } }[] }[];
    deploy: { kubeContext: string };
    profiles: (Section & { name: string })[];
  }
  /** What the cases of faults change. */
  interface Edited {
    build: { local: object; artifacts: [{ image?: string }] };
    manifests: object;
    deploy: object;
    portForward: [object];
    profiles: [{ name?: string }];
  }
  const config = parse(text('skaffold.yaml')) as Config;
  const profile = config.profiles.find(({ name }) => name === 'redis-ui') as Config['profiles'][number];

  it('keeps to the schema, v4beta14 at most: its keys, their types, and those that are required', () => {
    expect(config.apiVersion).toMatch(/^skaffold\/v4beta(\d|1[0-4])$/);
    expect(faultsOf(config, skaffoldConfig)).toEqual([]);
  });

  it.each<[string, (config: Edited) => void]>([
    ['/deploy/kubeContexts is not known', ({ deploy }) => Object.assign(deploy, { kubeContexts: 'kind-slipway' })],
    ['/build/local/push is no boolean', ({ build }) => Object.assign(build.local, { push: 'no' })],
    [
      '/portForward/0/localPort is no integer',
      ({ portForward }) => Object.assign(portForward[0], { localPort: '3000' }),
    ],
    ['/manifests/rawYaml is no list', ({ manifests }) => Object.assign(manifests, { rawYaml: 'charts-out' })],
    ['/build/artifacts/0/image is missing', ({ build }) => delete build.artifacts[0].image],
    ['/profiles/0/name is missing', ({ profiles }) => delete profiles[0].name],
    ['/deploy/kubectl is no object', ({ deploy }) => Object.assign(deploy, { kubectl: null })],
  ])('a fault is told of by path: %s', (said, edit) => {
    const wrong = structuredClone(config) as unknown as Edited;
    edit(wrong);
    expect(faultsOf(wrong, skaffoldConfig)).toEqual([said]);
  });

  it('deploys charts-out/local to the cluster of kind.yaml, image and namespace being those of the manifests', () => {
    const { name } = parse(text('kind.yaml')) as { name: string };
    expect(config.deploy.kubeContext).toBe(`kind-${name}`);
    expect(config.manifests.rawYaml).toEqual([`charts-out/${local.name}/*.yaml`]);
    expect(config.build.artifacts.map(({ image }) => image)).toEqual([local.service.name]);
    for (const each of [...config.portForward, ...profile.portForward]) expect(each.namespace).toBe(local.namespace);
    const service = parseAllDocuments(text('charts-out/local/50-routing.yaml'))[0]?.toJS() as Manifest;
    expect(service).toMatchObject({ kind: 'Service', metadata: { name: config.portForward[0]?.resourceName } });
    expect(config.portForward[0]).toMatchObject({ port: 80, localPort: 3000 });
  });

  it('names files that exist, config/ and k8s/ among what makes the manifests anew', () => {
    for (const { docker } of config.build.artifacts) expect(existsSync(join(root, docker.dockerfile))).toBe(true);
    for (const path of [...config.manifests.rawYaml, ...profile.manifests.rawYaml])
      expect(globSync(path, { cwd: root })).not.toEqual([]);
    const watched = config.test.flatMap(({ custom }) => custom.flatMap(({ dependencies }) => dependencies.paths));
    const found = watched.flatMap((path) => globSync(path, { cwd: root }));
    for (const file of [
      'config/local.ts',
      'config/images.json',
      'k8s/synth.ts',
      'k8s/charts/service.ts',
      'observability/panels/index.ts',
    ])
      expect(found).toContain(file);
  });

  it('the profile redis-ui has all that the others have, and a page on 8081', () => {
    expect(profile.manifests.rawYaml).toEqual([...config.manifests.rawYaml, 'k8s/deploy/redis-ui.yaml']);
    expect(profile.manifests.hooks.before).toEqual(expect.arrayContaining(config.manifests.hooks.before));
    expect(profile.portForward).toEqual([
      ...config.portForward,
      expect.objectContaining({ resourceType: 'deployment', resourceName: 'redis-ui', port: 8081, localPort: 8081 }),
    ]);
  });
});

describe('the page for Redis', () => {
  const manifests = manifestsOf({ environment: local, images: readImages() }, redisUi);
  const of = (kind: string) => manifests.filter((each) => each.kind === kind);

  it('is what the charts make, and keeps to the schema of its kinds', () => {
    expect(text('k8s/deploy/redis-ui.yaml')).toBe(render(manifests));
    const faults = schemasFor(manifests);
    expect(manifests.flatMap((each) => faults(each))).toEqual([]);
  });

  it('runs the image of config/images.json under Pod Security restricted', () => {
    const [deployment] = of('Deployment');
    expect(deployment?.spec).toMatchObject({
      template: {
        spec: {
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              image: redisUiImage,
              imagePullPolicy: 'IfNotPresent',
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
            },
          ],
        },
      },
    });
  });

  it('may go to Redis, and Redis may be asked by it', () => {
    const toRedis = expect.objectContaining({ ports: [{ port: 6379, protocol: 'TCP' }] });
    expect(of('NetworkPolicy').map(({ metadata, spec }) => [metadata.name, spec])).toEqual([
      ['redis-ui', expect.objectContaining({ egress: expect.arrayContaining([toRedis]) })],
      ['cache-from-redis-ui', expect.objectContaining({ ingress: [toRedis] })],
    ]);
  });
});
