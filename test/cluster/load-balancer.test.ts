// The Ingress of production as the AWS Load Balancer Controller itself reads it: the controller runs, AWS is an emulator, pods are real.
import { loadBalancerLogsPrefix, loadBalancerName, logsBucket } from '../../config/aws-names.ts';
import type { Environment } from '../../config/environment.ts';
import { type Manifest, render } from '../../k8s/synth.ts';
import { objectNamed, synthesized, variant } from '../k8s/support/manifests.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';
import { type EmulatedNetwork, emulateNetwork, texts } from './support/emulated-network.ts';
import { get, isReady, type KubeObject, kubectl, type Pod } from './support/kubectl.ts';
import { type Controller, lacking, removeController, startController } from './support/real-controller.ts';
import { waitFor } from './support/wait.ts';

const namespace = 'test-load-balancer';
const domain = 'api.example.org';
const plain = { domain: undefined, paths: ['/'], accessLogs: true, webAcl: true, deletionProtection: true };
const withPlain = (loadBalancer: object) =>
  variant('production', { namespace, loadBalancer: { ...plain, ...loadBalancer } });
const production = withPlain({});
const withPaths = withPlain({ paths: ['/files', '/session'] });
const withDomain = withPlain({ domain });
const { name, httpPort } = production.service;
const called = loadBalancerName(production);
const unless =
  lacking.length === 0 ? '' : ` (not here: make load-balancer-controller has not made ${lacking.join(', ')})`;

let aws: Ministack;
let network: EmulatedNetwork;
let controller: Controller;

const inside = (...args: string[]) => kubectl(['--namespace', namespace, ...args]);
const elb = (Action: string, params: Record<string, string> = {}) =>
  aws.query('elasticloadbalancing', '2015-12-01', { Action, ...params });
/** Adds the controller's last words to what was waited for in vain. */
const said = (error: Error) => {
  throw new Error(`${error.message}\n${controller.lastLines()}`);
};
/** Keys and values, of attributes and the like. */
const pairs = (xml: string) => {
  const values = texts(xml, 'Value');
  return Object.fromEntries(texts(xml, 'Key').map((key, index) => [key, values[index]]));
};

/** Service and Ingress, as make deploy applies them before the first pods. */
async function applyRouting(environment: Environment): Promise<void> {
  const manifests = synthesized(environment);
  const routing = [`Service/${name}`, `Ingress/${name}`].map((id) => objectNamed(manifests, id));
  await kubectl(['apply', '--server-side', '--filename=-'], render(routing));
}

interface Binding extends KubeObject {
  spec: { targetGroupARN: string; serviceRef: { name: string; port: string } };
}
const bindings = async () => (await get<{ items: Binding[] }>('targetgroupbindings', '--namespace', namespace)).items;

/** A pod that answers with the path that it was asked for and waits for the controller: with the gate that its webhook, which is not called here, gives to new pods. */
const podOf = (pod: string, gate: string): Manifest =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: pod,
      namespace,
      labels: { 'app.kubernetes.io/name': name, 'app.kubernetes.io/component': 'web' },
    },
    spec: {
      readinessGates: [{ conditionType: gate }],
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name,
          image: 'slipway:dev',
          command: [
            'node',
            '--eval',
            `require('node:http').createServer((request, answer) => answer.end(request.url)).listen(${httpPort})`,
          ],
          ports: [{ name: 'http', containerPort: httpPort }],
        },
      ],
    },
  }) as unknown as Manifest;

const groupsOfLoadBalancer = async () =>
  texts(await elb('DescribeLoadBalancers'), 'member').filter((each) => each.startsWith('sg-'));

/** Through the load balancer, as the emulator plays it by the rules that the controller made. */
const ask = (path: string) => fetch(`${aws.endpoint}/_alb/${called}${path}`);

(lacking.length === 0 ? describe : describe.skip)(`the AWS Load Balancer Controller${unless}`, () => {
  let loadBalancer: string;
  beforeAll(async () => {
    await removeController(namespace);
    aws = await startMinistack(production.region);
    network = await emulateNetwork(aws, production, domain);
    await kubectl(['create', 'namespace', namespace]);
    controller = await startController(production, aws, network);
    await applyRouting(production);
    await waitFor(
      'the address of the load balancer',
      async () => {
        const address = '--output=jsonpath={.status.loadBalancer.ingress[0].hostname}';
        return (await inside('get', 'ingress', name, address)) !== '';
      },
      60_000,
    ).catch(said);
    [loadBalancer = ''] = texts(await elb('DescribeLoadBalancers'), 'LoadBalancerArn');
  });
  afterAll(async () => {
    await controller?.end();
    await removeController(namespace);
    await aws?.stop();
  });

  it('E1: makes one load balancer that faces the internet, in the public subnets, with the attributes of the Ingress', async () => {
    const found = await elb('DescribeLoadBalancers');
    expect(texts(found, 'LoadBalancerName')).toEqual([called]);
    expect(texts(found, 'Scheme')).toEqual(['internet-facing']);
    expect(texts(found, 'SubnetId').sort()).toEqual([...network.publicSubnets].sort());
    expect(pairs(await elb('DescribeLoadBalancerAttributes', { LoadBalancerArn: loadBalancer }))).toMatchObject({
      'idle_timeout.timeout_seconds': `${production.loadBalancer.idleSeconds}`,
      'deletion_protection.enabled': 'true',
      'routing.http.desync_mitigation_mode': 'strictest',
      'routing.http.drop_invalid_header_fields.enabled': 'true',
      'access_logs.s3.enabled': 'true',
      'access_logs.s3.bucket': logsBucket(production),
      'access_logs.s3.prefix': loadBalancerLogsPrefix,
    });
  });

  it('N7: gives it the security group that the stacks made, and one of its own that nodes are opened to', async () => {
    const [given, own, ...others] = await groupsOfLoadBalancer();
    expect([given, others]).toEqual([network.groups.loadBalancer, []]);
    expect(own).toMatch(/^sg-/);
  });

  it('E3: has it ask /health of the pods as often as the environment says, and drain as long', async () => {
    const groups = await elb('DescribeTargetGroups');
    const { healthCheck } = production.loadBalancer;
    expect(
      Object.fromEntries(
        [
          'TargetType',
          'Protocol',
          'HealthCheckPath',
          'HealthCheckPort',
          'HealthCheckIntervalSeconds',
          'HealthCheckTimeoutSeconds',
          'HealthyThresholdCount',
          'UnhealthyThresholdCount',
          'HttpCode',
        ].map((element) => [element, texts(groups, element)]),
      ),
    ).toEqual({
      TargetType: ['ip'],
      Protocol: ['HTTP'],
      HealthCheckPath: ['/health'],
      HealthCheckPort: ['traffic-port'],
      HealthCheckIntervalSeconds: [String(healthCheck.intervalSeconds)],
      HealthCheckTimeoutSeconds: [String(healthCheck.timeoutSeconds)],
      HealthyThresholdCount: [String(healthCheck.healthyThreshold)],
      UnhealthyThresholdCount: [String(healthCheck.unhealthyThreshold)],
      HttpCode: ['200'],
    });
    const [TargetGroupArn = ''] = texts(groups, 'TargetGroupArn');
    expect(pairs(await elb('DescribeTargetGroupAttributes', { TargetGroupArn }))).toMatchObject({
      'deregistration_delay.timeout_seconds': String(production.derived.deregistrationDelaySeconds),
      'load_balancing.cross_zone.enabled': 'true',
    });
  });

  it('E6: associates the web ACL, which it finds by its name', async () => {
    const { WebACL } = await aws.json<{ WebACL?: { ARN: string } }>('wafv2', 'AWSWAF_20190729.GetWebACLForResource', {
      ResourceArn: loadBalancer,
    });
    expect(WebACL?.ARN).toBe(network.webAclArn);
  });

  it('E11: a pod joins the target group before it counts as ready, and nodes are opened to the load balancer alone', async () => {
    const [binding] = await bindings();
    const gate = `target-health.elbv2.k8s.aws/${binding?.metadata.name}`;
    const all = async () => (await get<{ items: Pod[] }>('pods', '--namespace', namespace)).items;
    const running = async () => (await all()).filter(({ status }) => status.containerStatuses?.[0]?.ready === true);
    await controller.whilePaused(async () => {
      await kubectl(['apply', '--filename=-'], render(['web-1', 'web-2'].map((pod) => podOf(pod, gate))));
      await waitFor('both to run', async () => (await running()).length === 2, 60_000);
      // Their containers are ready: it is the gate alone that keeps them.
      expect((await all()).filter(isReady).map(({ metadata }) => metadata.name)).toEqual([]);
      for (const { metadata, status } of await running()) {
        const interfaces = [{ eniId: await network.networkInterface(), privateIp: status.podIP }];
        await inside('annotate', 'pod', metadata.name, `vpc.amazonaws.com/pod-eni=${JSON.stringify(interfaces)}`);
      }
    });
    await waitFor('both to be ready', async () => (await all()).filter(isReady).length === 2, 90_000).catch(said);
    const TargetGroupArn = binding?.spec.targetGroupARN ?? '';
    const registered = await elb('DescribeTargetHealth', { TargetGroupArn });
    expect(texts(registered, 'Id').sort()).toEqual((await all()).map(({ status }) => status.podIP).sort());
    expect(new Set(texts(registered, 'Port'))).toEqual(new Set([String(httpPort)]));
    let opened = '';
    await waitFor(
      'the nodes to be opened',
      async () => {
        const nodes = await aws.query('ec2', '2016-11-15', {
          Action: 'DescribeSecurityGroups',
          'GroupId.1': network.groups.nodes,
        });
        [opened = ''] = nodes.split('<ipPermissionsEgress>');
        return texts(opened, 'fromPort').length > 0;
      },
      30_000,
    ).catch(said);
    expect([texts(opened, 'fromPort'), texts(opened, 'toPort'), texts(opened, 'cidrIp')]).toEqual([
      [`${httpPort}`],
      [`${httpPort}`],
      [],
    ]);
    const [, ...from] = texts(opened, 'groupId');
    const [, own] = await groupsOfLoadBalancer();
    expect(from).toEqual([own]);
  });

  it('E4: requests of a path that the Ingress names reach the pods, others end at the load balancer', async () => {
    expect(await (await ask('/anything/at/all?x=1')).text()).toBe('/anything/at/all?x=1');
    await applyRouting(withPaths);
    const statuses = async (...paths: string[]) => Promise.all(paths.map(async (path) => (await ask(path)).status));
    const made = async () => `${await statuses('/anything', '/files', '/session')}` === '404,200,200';
    await waitFor('the rules', made, 60_000).catch(said);
    for (const path of ['/files', '/files/1', '/session']) expect(await (await ask(path)).text()).toBe(path);
    expect(await statuses('/', '/filesystem', '/health')).toEqual([404, 404, 404]);
    await applyRouting(production);
    await waitFor('the way back', async () => (await ask('/anything')).status === 200, 60_000).catch(said);
  });

  it('E2: with a domain it speaks TLS with the certificate of that host, and 80 redirects', async () => {
    const listeners = () => elb('DescribeListeners', { LoadBalancerArn: loadBalancer });
    expect([texts(await listeners(), 'Port'), texts(await listeners(), 'Protocol')]).toEqual([['80'], ['HTTP']]);
    await applyRouting(withDomain);
    const both = async () => {
      const all = await listeners();
      return texts(all, 'ListenerArn').length === 2 && texts(all, 'Type').includes('redirect');
    };
    await waitFor('both listeners', both, 60_000).catch(said);
    const found = await listeners();
    const byPort = Object.fromEntries(
      found
        .split('<ListenerArn>')
        .slice(1)
        .map((each) => [texts(each, 'Port')[0], each]),
    );
    const of = (port: string, ...elements: string[]) => elements.map((each) => texts(byPort[port] ?? '', each).at(-1));
    expect(of('443', 'Protocol', 'SslPolicy', 'CertificateArn')).toEqual([
      'HTTPS',
      'ELBSecurityPolicy-TLS13-1-2-2021-06',
      network.certificateArn,
    ]);
    expect(of('80', 'Type', 'StatusCode', 'Port')).toEqual(['redirect', 'HTTP_301', '443']);
    // The rules that 80 had go last.
    const redirects = async () =>
      (await fetch(`${aws.endpoint}/_alb/${called}/x`, { redirect: 'manual' })).status === 301;
    await waitFor('the redirect', redirects, 60_000).catch(said);
  });

  it('E11: a pod that ends leaves the target group', async () => {
    const [binding] = await bindings();
    const TargetGroupArn = binding?.spec.targetGroupARN ?? '';
    const { status } = await get<Pod>('pod', 'web-1', '--namespace', namespace);
    await inside('delete', 'pod', 'web-1', '--wait=false');
    const registered = async () => texts(await elb('DescribeTargetHealth', { TargetGroupArn }), 'Id');
    await waitFor(
      'its deregistration',
      async () => !(await registered()).includes(status.podIP as string),
      30_000,
    ).catch(said);
    expect(await registered()).toHaveLength(1);
  });

  it('keeps a load balancer that is protected, and takes it down with its Ingress once that says that it may', async () => {
    await inside('delete', 'ingress', name, '--wait=false');
    await waitFor('its refusal', () => controller.lastLines().includes('deletion_protection is enabled'), 30_000).catch(
      said,
    );
    expect(texts(await elb('DescribeLoadBalancers'), 'LoadBalancerName')).toEqual([called]);
    // As `make destroy` does, but before it deletes.
    const mayGo = 'alb.ingress.kubernetes.io/load-balancer-attributes=deletion_protection.enabled=false';
    await inside('annotate', 'ingress', name, '--overwrite', mayGo);
    const left = () => inside('get', 'ingress,targetgroupbindings', '--output=name');
    await waitFor('its end', async () => (await left()).trim() === '', 60_000).catch(said);
    const all = [await elb('DescribeLoadBalancers'), await elb('DescribeTargetGroups')];
    expect(all.flatMap((each) => [...texts(each, 'LoadBalancerArn'), ...texts(each, 'TargetGroupArn')])).toEqual([]);
  });
});
