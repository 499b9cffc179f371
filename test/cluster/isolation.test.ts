import { parts, storePorts } from '../../k8s/charts/parts.ts';
import { selectorLabels } from '../../k8s/constructs/labels.ts';
import { type Manifest, render } from '../../k8s/synth.ts';
import { type Ends, flowsOf, flowsWithoutPolicies, settledFlows } from './support/isolation-flows.ts';
import { type Outcome, type ProbePod, probePod, runningPods, type Target } from './support/isolation-pods.ts';
import { get, isReady, kubectl, type Pod } from './support/kubectl.ts';
import { waitFor } from './support/wait.ts';
import { type ClusterWorld, createWorld } from './support/world.ts';

const outside = 'test-isolation-outside';
const prometheus = 'test-isolation-prometheus';

const stores = ['postgres', 'redis', 's3'] as const;
const ofTheSystem = ['web', 'bootstrap', 'migrate', ...stores, 'pod without labels'];
const others = ['pod of another namespace', 'Prometheus'];
const inside = ['web http', 'web metrics', ...stores];
const names = ['DNS over UDP', 'DNS over TCP'];
const beyond = [...names, 'API server', 'pod beyond the namespace'];
const flows = [
  ...flowsOf(ofTheSystem, [...inside, ...beyond], {
    web: [...stores, ...names],
    bootstrap: ['postgres', ...names],
    migrate: ['postgres', ...names],
  }),
  ...flowsOf(others, inside, { Prometheus: ['web metrics'] }),
];

let world: ClusterWorld;
beforeAll(async () => {
  world = await createWorld({
    name: 'test-isolation',
    nodePort: 30_110,
    change: (values) => ({
      ...values,
      monitoringNamespace: prometheus,
      // The looks run in the pods too, and must not add to them.
      scaling: { profile: 'none', minReplicas: 2, maxReplicas: 2 },
    }),
  });
  await makeNamespaces();
  await world.apply();
  await kubectl(['apply', '--filename=-'], render(probes().map(probePod)));
  await world.ready();
});
afterAll(async () => {
  await world?.end();
  await kubectl(['delete', 'namespace', outside, prometheus, '--ignore-not-found', '--wait=false']);
});

async function makeNamespaces(): Promise<void> {
  await kubectl(['delete', 'namespace', outside, prometheus, '--ignore-not-found', '--timeout=60s']);
  for (const name of [outside, prometheus]) await kubectl(['create', 'namespace', name]);
}

/** What policies look at is labels: pods with those of a Job or store stand for it, since their own cannot tell whom they reach. */
function probes(): ProbePod[] {
  const { bootstrap, migrate, postgres, redis, s3 } = parts(world.environment);
  const { namespace } = world;
  const standIns = Object.entries({ bootstrap, migrate, postgres, redis, s3 }).map(([name, identity]) => ({
    namespace,
    name: `like-${name}`,
    labels: selectorLabels(identity),
  }));
  return [
    ...standIns,
    { namespace, name: 'unlabelled' },
    { namespace: outside, name: 'outside', ports: { https: 443 } },
    { namespace: prometheus, name: 'prometheus' },
  ];
}

async function findEnds(): Promise<Ends> {
  const { namespace } = world;
  await waitFor(
    'the probes',
    async () => {
      const up = await Promise.all([namespace, outside, prometheus].map(runningPods));
      const running = up.flatMap((pods) => [...pods.keys()]);
      return probes().every(({ name }) => running.includes(name));
    },
    120_000,
  );
  const [asking, asked] = (await world.pods()).filter(isReady) as [Pod, Pod];
  const address = ({ status }: Pod) => status.podIP as string;
  const pods = await runningPods(namespace);
  const { httpPort, metricsPort } = world.environment.service;
  const clusterIp = async (name: string, of: string) =>
    (await get<{ spec: { clusterIP: string } }>('service', name, '--namespace', of)).spec.clusterIP;
  const dns = { host: await clusterIp('kube-dns', 'kube-system'), port: 53 };
  const storeTargets = stores.map((name): [string, Target] => [
    name,
    { host: address(pods.get(`${name}-0`) as Pod), port: storePorts[name] },
  ]);
  return {
    sources: {
      web: { namespace, name: asking.metadata.name },
      ...Object.fromEntries(
        ['bootstrap', 'migrate', ...stores].map((name) => [name, { namespace, name: `like-${name}` }]),
      ),
      'pod without labels': { namespace, name: 'unlabelled' },
      'pod of another namespace': { namespace: outside, name: 'outside' },
      Prometheus: { namespace: prometheus, name: 'prometheus' },
    },
    targets: {
      'web http': { host: address(asked), port: httpPort },
      'web metrics': { host: address(asked), port: metricsPort },
      ...Object.fromEntries(storeTargets),
      'DNS over UDP': { ...dns, protocol: 'UDP' },
      'DNS over TCP': dns,
      'API server': { host: await clusterIp('kubernetes', 'default'), port: 443 },
      'pod beyond the namespace': { host: address((await runningPods(outside)).get('outside') as Pod), port: 443 },
    },
  };
}

describe('Pod Security', () => {
  it('every pod is admitted by a namespace that enforces `restricted`', async () => {
    const { metadata } = await get('namespace', world.namespace);
    expect(metadata.labels).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
    const { items } = await get<{ items: Pod[] }>('pods', '--namespace', world.namespace);
    const components = items.map(({ metadata: { labels } }) => labels?.['app.kubernetes.io/component']);
    expect(new Set(components)).toEqual(
      new Set(['web', 'bootstrap', 'migrate', 'database', 'cache', 'objects', undefined]),
    );
  });

  const weaken: [string, (spec: PodFields) => void][] = [
    ['runs as root', (spec) => Object.assign(spec.securityContext, { runAsUser: 0, runAsNonRoot: false })],
    ['keeps capabilities', ({ containers }) => delete containers[0].securityContext.capabilities],
    ['has no seccomp profile', (spec) => delete spec.securityContext.seccompProfile],
    ['may gain privileges', ({ containers }) => delete containers[0].securityContext.allowPrivilegeEscalation],
    [
      'mounts the disk of the node',
      (spec) => Object.assign(spec, { volumes: [{ name: 'host', hostPath: { path: '/' } }] }),
    ],
    ['shares the processes of the node', (spec) => Object.assign(spec, { hostPID: true })],
  ];
  it.each(weaken)('a pod that %s is refused', async (_, edit) => {
    const pod = structuredClone(probePod({ namespace: world.namespace, name: 'weak' })) as Manifest & {
      spec: PodFields;
    };
    const apply = ['apply', '--dry-run=server', '--filename=-'];
    await expect(kubectl(apply, render([pod]))).resolves.toContain('pod/weak created');
    edit(pod.spec);
    await expect(kubectl(apply, render([pod]))).rejects.toThrow(/violates PodSecurity "restricted:v1\.35"/);
  });
});

interface PodFields {
  securityContext: { seccompProfile?: unknown };
  containers: [{ securityContext: { capabilities?: unknown; allowPrivilegeEscalation?: boolean } }];
}

describe('network policies of the local environment', () => {
  let ends: Ends;
  let outcomes: Outcome[];
  beforeAll(async () => {
    ends = await findEnds();
    outcomes = await settledFlows(flows, ends);
  });

  it.each(flows)('$from → $to: $expected', (flow) => {
    expect(outcomes[flows.indexOf(flow)]).toBe(flow.expected);
  });

  // Neither of these two can fail where what comes from a node passes all policies, as on the cluster that this was written on: there they
  // show that nothing else is in the way. test/k8s/manifests-flows.test.ts has what the policies say.
  it('the host, where the load balancer would be, reaches the service through its node port', async () => {
    expect((await fetch(`${world.url}/health`)).status).toBe(200);
  });

  it('the kubelet reaches the probes of the pods', async () => {
    const pods = await world.pods();
    expect(pods.length).toBeGreaterThanOrEqual(2);
    for (const pod of pods) {
      expect(isReady(pod)).toBe(true);
      expect(pod.status.containerStatuses?.[0]?.restartCount).toBe(0);
    }
  });

  it('a new pod of no known kind is cut off within seconds', async () => {
    const fresh = { namespace: world.namespace, name: 'fresh' };
    await kubectl(['apply', '--filename=-'], render([probePod(fresh)]));
    await waitFor('the pod', async () => (await runningPods(world.namespace)).has('fresh'), 60_000);
    const all = flowsOf(['fresh'], [...inside, ...beyond], {});
    const found = await settledFlows(all, { ...ends, sources: { fresh } }, 30_000);
    expect(new Set(found)).toEqual(new Set(['refused']));
  });

  it('without the policies every flow is open: nothing else refuses them', async () => {
    const found = await flowsWithoutPolicies(flows, ends, world.namespace);
    expect(flows.filter((_, index) => found[index] !== 'open')).toEqual([]);
  });
});
