// The network policies of production between pods that stand for what is there: subnets of data stores, load balancer, S3,
// the agent of Pod Identity. Their addresses take the place of those in AWS; everything else of the policies is production's.
import { defineEnvironment, type Environment, valuesOf } from '../../config/environment.ts';
import { readImages } from '../../config/images.ts';
import { production } from '../../config/production.ts';
import { namespace as namespaceChart } from '../../k8s/charts/namespace.ts';
import { networkPolicies } from '../../k8s/charts/network-policies.ts';
import { parts, storePorts } from '../../k8s/charts/parts.ts';
import { selectorLabels } from '../../k8s/constructs/labels.ts';
import { type Manifest, manifestsOf, render } from '../../k8s/synth.ts';
import { type Ends, flowsOf, flowsWithoutPolicies, settledFlows } from './support/isolation-flows.ts';
import { type Outcome, type ProbePod, probePod, runningPods } from './support/isolation-pods.ts';
import { get, type KubeObject, kubectl, type Pod } from './support/kubectl.ts';
import { waitFor } from './support/wait.ts';

const namespace = 'test-isolation-production';
const aws = 'test-isolation-aws';
const prometheus = 'test-isolation-production-prometheus';
const all = [namespace, aws, prometheus];
/** The only address in the policies that is no setting of the environment. */
const podIdentityAgent = '169.254.170.23/32';

const { postgres, redis } = storePorts;
const https = 443;
const names = ['DNS over UDP', 'DNS over TCP'];
const databases = ['writer', 'reader'];
const on = (hosts: string[], ...ports: number[]) => hosts.flatMap((host) => ports.map((port) => `${host}:${port}`));
const web = ['web http', 'web metrics'];
const away = [
  ...on(databases, postgres, redis, https),
  ...on(['elsewhere in the VPC'], postgres, redis, https),
  ...on(['the internet'], https, 80, postgres),
  ...on(['agent of Pod Identity'], 80),
];
const flows = [
  ...flowsOf(['web', 'bootstrap', 'migrate', 'pod without labels'], [...web, ...names, ...away], {
    web: [...names, ...on(databases, postgres, redis), ...on(['the internet'], https), 'agent of Pod Identity:80'],
    bootstrap: [...names, ...on(databases, postgres)],
    migrate: [...names, ...on(databases, postgres)],
  }),
  ...flowsOf(['load balancer', 'elsewhere in the VPC', 'Prometheus'], web, {
    'load balancer': ['web http'],
    Prometheus: ['web metrics'],
  }),
];

beforeAll(async () => {
  await kubectl(['delete', 'namespace', ...all, '--ignore-not-found', '--timeout=120s']);
});
afterAll(() => kubectl(['delete', 'namespace', ...all, '--ignore-not-found', '--wait=false']));

/** Which ports a host in AWS answers on, by the name of its pod; the range of one node stands for the VPC. */
const hosts: Record<string, { ports: number[]; inVpc: boolean }> = {
  writer: { ports: [postgres, redis, https], inVpc: true },
  reader: { ports: [postgres, redis, https], inVpc: true },
  'elsewhere-in-the-vpc': { ports: [postgres, redis, https], inVpc: true },
  'agent-of-pod-identity': { ports: [80], inVpc: true },
  'load-balancer': { ports: [], inVpc: true },
  'the-internet': { ports: [https, 80, postgres], inVpc: false },
};
const podName = (host: string) => host.toLowerCase().replaceAll(' ', '-');

interface Node extends KubeObject {
  spec: { podCIDR: string };
}

async function start(pods: readonly ProbePod[]): Promise<void> {
  await kubectl(['apply', '--filename=-'], render(pods.map(probePod)));
  await waitFor(
    pods.map(({ name }) => name).join(', '),
    async () => {
      const up = await Promise.all(all.map(runningPods));
      return pods.every(({ name }) => up.some((running) => running.has(name)));
    },
    120_000,
  );
}

/** Resolves with the address of each pod that stands for something in AWS, and the range that is the VPC. */
async function makeAws(): Promise<{ address: (host: string) => string; vpcCidr: string }> {
  for (const name of [aws, prometheus]) await kubectl(['create', 'namespace', name]);
  const { items } = await get<{ items: Node[] }>('nodes', '--selector=!node-role.kubernetes.io/control-plane');
  const [vpcNode, otherNode] = items as [Node, Node];
  await start([
    ...Object.entries(hosts).map(([name, { ports, inVpc }]) => ({
      namespace: aws,
      name,
      ports: Object.fromEntries(ports.map((port) => [`port-${port}`, port])),
      node: (inVpc ? vpcNode : otherNode).metadata.name,
    })),
    { namespace: prometheus, name: 'prometheus' },
  ]);
  const pods = await runningPods(aws);
  return {
    address: (host) => (pods.get(podName(host)) as Pod).status.podIP as string,
    vpcCidr: vpcNode.spec.podCIDR,
  };
}

async function findEnds(environment: Environment, address: (host: string) => string): Promise<Ends> {
  const { spec } = await get<{ spec: { clusterIP: string } }>('service', 'kube-dns', '--namespace=kube-system');
  const dns = { host: spec.clusterIP, port: 53 };
  const host = ((await runningPods(namespace)).get('web-asked') as Pod).status.podIP as string;
  const { httpPort, metricsPort } = environment.service;
  return {
    sources: {
      ...Object.fromEntries(['web', 'bootstrap', 'migrate'].map((name) => [name, { namespace, name }])),
      'pod without labels': { namespace, name: 'unlabelled' },
      'load balancer': { namespace: aws, name: 'load-balancer' },
      'elsewhere in the VPC': { namespace: aws, name: 'elsewhere-in-the-vpc' },
      Prometheus: { namespace: prometheus, name: 'prometheus' },
    },
    targets: {
      'web http': { host, port: httpPort },
      'web metrics': { host, port: metricsPort },
      'DNS over UDP': { ...dns, protocol: 'UDP' },
      'DNS over TCP': dns,
      ...Object.fromEntries(
        away.map((target) => {
          const [name = '', port] = target.split(':');
          return [target, { host: address(name), port: Number(port) }];
        }),
      ),
    },
  };
}

describe('network policies of production', () => {
  let ends: Ends;
  let outcomes: Outcome[];
  beforeAll(async () => {
    const { address, vpcCidr } = await makeAws();
    const environment = defineEnvironment({
      ...valuesOf(production),
      namespace,
      monitoringNamespace: prometheus,
    });
    const input = { environment, images: readImages() };
    const manifests = [namespaceChart, networkPolicies].flatMap((chart) => manifestsOf(input, chart));
    const only = (host: string) => `${address(host)}/32`;
    const { network, loadBalancer } = environment;
    if (network === undefined) throw new Error('production has no network');
    // Ranges of one address are no setting that production would take, so they are put into what is made of it.
    const standIns = [
      [podIdentityAgent, only('agent of Pod Identity')],
      ...loadBalancer.cidrs.map((cidr) => [cidr, only('load balancer')]),
      ...network.databaseCidrs.map((cidr, index) => [cidr, only(databases[index] as string)]),
      [network.vpcCidr, vpcCidr],
    ] as [string, string][];
    const moved = standIns.reduce(
      (text, [cidr, standIn]) => {
        expect(text).toContain(cidr);
        return text.replaceAll(cidr, standIn);
      },
      render(manifests as Manifest[]),
    );
    await kubectl(['apply', '--filename=-'], moved);

    const of = parts(environment);
    const labelled = (name: string, identity: { name: string; component: string }) => ({
      namespace,
      name,
      labels: selectorLabels(identity),
    });
    const { httpPort, metricsPort } = environment.service;
    await start([
      labelled('web', of.web),
      { ...labelled('web-asked', of.web), ports: { http: httpPort, metrics: metricsPort } },
      labelled('bootstrap', of.bootstrap),
      labelled('migrate', of.migrate),
      { namespace, name: 'unlabelled' },
    ]);
    ends = await findEnds(environment, address);
    outcomes = await settledFlows(flows, ends);
  });

  it.each(flows)('$from → $to: $expected', (flow) => {
    expect(outcomes[flows.indexOf(flow)]).toBe(flow.expected);
  });

  it('without the policies every flow is open: nothing else refuses them', async () => {
    const found = await flowsWithoutPolicies(flows, ends, namespace);
    expect(flows.filter((_, index) => found[index] !== 'open')).toEqual([]);
  });
});
