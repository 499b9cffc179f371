import { checklist, judge } from './support/checklist.ts';
import { committed, environmentNames, faulty, idOf, type Manifest, synthesized } from './support/manifests.ts';
import { variants, withRedisUi } from './support/variants.ts';
import { waivers } from './support/waivers.ts';

const production = committed('production');
const local = committed('local');

const web = 'Deployment/slipway';
const pod = 'spec.template.spec';
const container = `${pod}.containers.0`;
const account = 'ServiceAccount/slipway';
const disruption = 'PodDisruptionBudget/slipway';
const migrate = idOf(
  production.find(({ kind, metadata }) => kind === 'Job' && /migrate/.test(metadata.name)) as Manifest,
);

/** Each check, and the object, field and value by which it is broken. */
const examples: [check: string, object: string, path: string | string[], value: unknown, of?: Manifest[]][] = [
  ['runs as a user and group above 10000', web, `${pod}.securityContext.runAsUser`, 1000],
  ['runs as a user and group above 10000', migrate, `${pod}.securityContext.runAsGroup`, undefined],
  ['runs as a user and group above 10000', web, `${container}.securityContext.runAsNonRoot`, false],
  ['has a read-only root', migrate, `${container}.securityContext.readOnlyRootFilesystem`, undefined],
  ['cannot gain privileges', web, `${container}.securityContext.allowPrivilegeEscalation`, undefined],
  ['cannot gain privileges', web, `${container}.securityContext.privileged`, true],
  ['drops all capabilities', web, `${container}.securityContext.capabilities.drop`, ['NET_RAW']],
  ['drops all capabilities', web, `${container}.securityContext.capabilities.add`, ['SYS_PTRACE']],
  ['has the seccomp profile of its runtime', migrate, `${pod}.securityContext.seccompProfile`, undefined],
  ['has the seccomp profile of its runtime', web, `${container}.securityContext.seccompProfile.type`, 'Unconfined'],
  ['shares nothing with its node', web, `${pod}.hostNetwork`, true],
  ['shares nothing with its node', web, `${container}.ports.0.hostPort`, 3000],
  ['mounts only volumes of allowed types', web, `${pod}.volumes.0`, { name: 'settings', hostPath: { path: '/etc' } }],
  ['has a service account of its own', web, `${pod}.serviceAccountName`, undefined],
  ['has a service account of its own', migrate, `${pod}.serviceAccountName`, 'slipway'],
  ['mounts no token', web, `${pod}.automountServiceAccountToken`, undefined],
  ['has an account without a token', account, 'automountServiceAccountToken', true],
  [
    'grants no wildcard',
    'Role/slipway',
    'rules.0.verbs',
    ['*'],
    [...production, { apiVersion: 'v1', kind: 'Role', metadata: { name: 'slipway' }, rules: [{}] }],
  ],
  [
    'holds no literal secret',
    'Secret/more',
    'stringData.password',
    'x',
    [...production, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'more' } }],
  ],
  ['puts no secret in a ConfigMap', 'ConfigMap/slipway', 'data.REDIS_PASSWORD', 'x'],
  ['puts no secret in a ConfigMap', 'ConfigMap/slipway', 'data.REDIS_URL', 'redis://me:mine@redis:6379'],
  ['puts no secret in a variable or argument', migrate, `${container}.env.0`, { name: 'API_TOKEN', value: 'x' }],
  ['puts no secret in a variable or argument', web, `${container}.args`, ['--url=postgres://me:mine@db/x']],
  [
    'gets secrets as files',
    web,
    `${container}.env.0`,
    { name: 'URL', valueFrom: { secretKeyRef: { name: 'slipway', key: 'REDIS_URL' } } },
  ],
  ['gets secrets as files', web, `${container}.envFrom.0`, { secretRef: { name: 'slipway' } }],
  ['lets only its group read secrets', web, `${pod}.volumes.0.secret.defaultMode`, undefined],
  ['pins its image by tag or digest', web, `${container}.image`, 'registry.example.org:5000/slipway'],
  ['pins its image by tag or digest', web, `${container}.image`, 'slipway:latest'],
  ['requests CPU, memory and disk', web, `${container}.resources.requests.cpu`, undefined],
  ['requests CPU, memory and disk', migrate, [...container.split('.'), 'resources'], undefined],
  ['limits memory and disk to what it requests', web, `${container}.resources.limits.memory`, '1Gi'],
  ['limits memory and disk to what it requests', web, `${container}.resources.limits.ephemeral-storage`, undefined],
  ['limits each emptyDir', 'StatefulSet/postgres', `${pod}.volumes.0.emptyDir`, {}, local],
  ['has a startup probe', web, `${container}.startupProbe`, undefined],
  ['is asked whether it is ready and whether it lives', web, `${container}.readinessProbe`, undefined],
  [
    'is asked whether it is ready and whether it lives',
    'StatefulSet/redis',
    `${container}.livenessProbe`,
    undefined,
    local,
  ],
  ['asks for life otherwise than for readiness', web, `${container}.livenessProbe.httpGet.path`, '/health'],
  ['names its ports in at most 15 characters, each once', web, `${container}.ports.0.name`, 'traffic-of-users'],
  ['names its ports in at most 15 characters, each once', web, `${container}.ports.0.name`, 'metrics'],
  ['probes ports by name', web, `${container}.livenessProbe.httpGet.port`, 3000],
  ['leaves replicas to the HPA', web, 'spec.replicas', 2],
  ['rests at two replicas or more', 'HorizontalPodAutoscaler/slipway', 'spec.minReplicas', undefined],
  ['has a disruption budget', web, [...pod.split('.').slice(0, -1), 'metadata', 'labels'], { app: 'other' }],
  ['lets a node be drained', disruption, 'spec.maxUnavailable', 0],
  ['lets a node be drained', disruption, 'spec.minAvailable', 2],
  ['evicts pods that are not ready', disruption, 'spec.unhealthyPodEvictionPolicy', undefined],
  ['spreads over zones and hosts', web, `${pod}.topologySpreadConstraints.0`, undefined],
  ['spreads over zones and hosts', web, `${pod}.topologySpreadConstraints.1`, undefined],
  ['takes no pod away before its successor is ready', web, 'spec.strategy.rollingUpdate.maxUnavailable', '25%'],
  ['ends, and stays where it was applied', migrate, 'spec.ttlSecondsAfterFinished', 86_400],
  ['ends, and stays where it was applied', migrate, 'spec.activeDeadlineSeconds', undefined],
  ['has all flows of its pods under policy', web, 'metadata.namespace', 'elsewhere'],
  ['refuses what no policy allows', 'NetworkPolicy/default-deny', 'spec.ingress', [{}]],
  ['opens no policy to everybody', 'NetworkPolicy/web', 'spec.ingress.0.from', undefined],
  ['opens no policy to everybody', 'NetworkPolicy/web', 'spec.egress.0.ports', []],
  ['speaks TLS at the edge', 'Ingress/slipway', 'spec.tls', [], synthesized(variants['with TLS'])],
  ['says its namespace', 'Ingress/slipway', 'metadata.namespace', undefined],
  ['says its namespace', account, 'metadata.namespace', 'default'],
  [
    'admits only restricted pods',
    'Namespace/slipway',
    ['metadata', 'labels', 'pod-security.kubernetes.io/enforce'],
    'baseline',
  ],
  ['has the recommended labels', account, ['metadata', 'labels', 'app.kubernetes.io/part-of'], undefined],
  [
    'has the recommended labels on its pods',
    web,
    ['spec', 'template', 'metadata', 'labels', 'app.kubernetes.io/managed-by'],
    undefined,
  ],
  ['selects by nothing that changes', web, ['spec', 'selector', 'matchLabels', 'app.kubernetes.io/version'], '0.1.0'],
  ['selects by nothing that changes', 'Service/slipway', ['spec', 'selector', 'app.kubernetes.io/version'], '0.1.0'],
];

/** All that is ever applied. */
const everything = [...environmentNames.map(committed), withRedisUi()];
const judged = judge(everything, waivers);

/** The objects that a check finds faults with. */
function found(name: string, manifests: readonly Manifest[]): string[] {
  const check = checklist.find((each) => each.name === name);
  if (check === undefined) throw new Error(`there is no check "${name}"`);
  return check.faults(manifests).map(({ object }) => object);
}

describe('the checklist of manifests', () => {
  it.each(checklist.map(({ name }) => name))(
    '%s: in every environment and the page for Redis, but for waivers',
    (name) => {
      expect(judged.findings.filter(({ check }) => check === name)).toEqual([]);
    },
  );

  it.each(Object.entries(variants))('holds %s', (_, environment) => {
    expect(judge([synthesized(environment)], waivers).findings).toEqual([]);
  });

  it.each(
    examples.map(([name, object, path, value, manifests = production]) => ({
      name,
      title: `${object} ${[path].flat().join('.')} = ${JSON.stringify(value)}`,
      manifests,
      broken: faulty(manifests, object, path, value),
    })),
  )('"$name" finds $title', ({ name, manifests, broken }) => {
    expect(found(name, broken).length).toBeGreaterThan(found(name, manifests).length);
  });

  it('has an example of a fault for every check', () => {
    const broken = new Set(examples.map(([check]) => check));
    expect(checklist.map(({ name }) => name).filter((name) => !broken.has(name))).toEqual([]);
  });
});

describe('waivers', () => {
  it('are all needed, and give a reason', () => {
    expect(judged.unneeded).toEqual([]);
    expect(waivers.filter(({ reason }) => reason.length < 20)).toEqual([]);
  });

  it('excuse one literal secret: the throwaway one of a laptop', () => {
    expect(waivers.filter(({ check }) => /literal|puts no secret/.test(check))).toEqual([
      expect.objectContaining({ object: 'Secret/throwaway-credentials' }),
    ]);
    expect(judge([production, committed('staging')], []).findings.map(({ check }) => check)).not.toContain(
      'holds no literal secret',
    );
  });

  it('that excuse nothing are a fault', () => {
    const idle = { check: 'has a read-only root', object: web, reason: 'it used to write to its root' };
    expect(judge([production], [idle]).unneeded).toEqual([idle]);
  });

  it('excuse only the object that they name', () => {
    const fault = faulty(local, web, `${pod}.securityContext.runAsUser`, 999);
    expect(judge([fault], waivers).findings).toEqual([
      {
        check: 'runs as a user and group above 10000',
        object: web,
        problem: 'container slipway: user 999, group 10001',
      },
    ]);
  });
});
