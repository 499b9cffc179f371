import { environments } from '../../config/environments.ts';
import { committed, environmentNames, faulty, idOf, type Manifest, synthesized } from './support/manifests.ts';
import { missingPrerequisites } from './support/prerequisites.ts';
import { references } from './support/references.ts';
import { everything, variants, withRedisUi } from './support/variants.ts';

const production = committed('production');
const local = committed('local');

const web = 'Deployment/slipway';
const pod = 'spec.template.spec';
const container = `${pod}.containers.0`;
const hpa = 'HorizontalPodAutoscaler/slipway';
const component = 'app.kubernetes.io/component';
const migrate = idOf(
  production.find(({ kind, metadata }) => kind === 'Job' && /migrate/.test(metadata.name)) as Manifest,
);

const faultsOf = (manifests: readonly Manifest[]) =>
  references.flatMap(({ name, faults }) => faults(manifests).map((fault) => ({ reference: name, ...fault })));

/** Without one object. */
const without = (manifests: readonly Manifest[], id: string) => manifests.filter((each) => idOf(each) !== id);
const bound: Manifest = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'RoleBinding',
  metadata: { name: 'reads', namespace: 'slipway' },
  roleRef: { name: 'reads' },
  subjects: [],
};

const examples: [reference: string, broken: readonly Manifest[], object: string, problem: string][] = [
  ['Secrets and their keys', without(production, 'ExternalSecret/slipway'), web, 'there is no Secret slipway'],
  [
    'Secrets and their keys',
    faulty(production, 'ExternalSecret/slipway', 'spec.target.name', 'other'),
    web,
    'there is no Secret slipway',
  ],
  [
    'Secrets and their keys',
    faulty(production, 'ExternalSecret/slipway', 'spec.target.template.data.REDIS_URL', undefined),
    web,
    'Secret slipway has no REDIS_URL',
  ],
  [
    'Secrets and their keys',
    faulty(production, web, `${pod}.volumes.0.secret.items.0.key`, 'DATABASE'),
    web,
    'Secret slipway has no DATABASE',
  ],
  [
    'Secrets and their keys',
    faulty(local, 'Secret/throwaway-credentials', 'stringData.s3-access-key', undefined),
    'StatefulSet/s3',
    'Secret throwaway-credentials has no s3-access-key',
  ],
  ['ConfigMaps and their keys', without(production, 'ConfigMap/slipway'), web, 'there is no ConfigMap slipway'],
  [
    'ConfigMaps and their keys',
    faulty(production, web, `${container}.env.0.valueFrom.configMapKeyRef`, { name: 'slipway', key: 'HOST' }),
    web,
    'ConfigMap slipway has no HOST',
  ],
  [
    'volumes and their mounts',
    faulty(production, web, `${container}.volumeMounts.0.name`, 'config'),
    web,
    'mounts config, which is no volume',
  ],
  [
    'volumes and their mounts',
    faulty(production, web, `${container}.volumeMounts`, []),
    web,
    'volume settings is mounted nowhere',
  ],
  [
    'sources and entries of fetched secrets',
    without(production, 'SecretStore/slipway'),
    'ExternalSecret/slipway',
    'there is no SecretStore slipway',
  ],
  [
    'sources and entries of fetched secrets',
    faulty(production, 'ExternalSecret/slipway', 'spec.target.template.data.REDIS_URL', 'rediss://{{ .cache_host }}'),
    'ExternalSecret/slipway',
    'no entry gives .cache_host',
  ],
  [
    'sources and entries of fetched secrets',
    faulty(production, 'ExternalSecret/slipway', 'spec.target.template.data.REDIS_CREDENTIALS', 'none'),
    'ExternalSecret/slipway',
    'entry redis_… is used nowhere',
  ],
  ['service accounts', without(production, 'ServiceAccount/slipway'), web, 'there is no account slipway'],
  [
    'service accounts',
    faulty(production, migrate, `${pod}.serviceAccountName`, undefined),
    migrate,
    'there is no account default',
  ],
  [
    'ports of probes',
    faulty(production, web, `${container}.readinessProbe.httpGet.port`, 'web'),
    web,
    'container slipway has no port web',
  ],
  [
    'selectors of workloads',
    faulty(production, web, ['spec', 'selector', 'matchLabels', component], 'api'),
    web,
    'its pods have not',
  ],
  [
    'selectors of workloads',
    faulty(
      production,
      web,
      [...pod.split('.'), 'topologySpreadConstraints', '1', 'labelSelector', 'matchLabels', component],
      'api',
    ),
    web,
    'its pods have not',
  ],
  [
    'Services of StatefulSets',
    faulty(local, 'StatefulSet/redis', 'spec.serviceName', 'cache'),
    'StatefulSet/redis',
    'there is no Service cache',
  ],
  [
    'pods and ports of Services',
    faulty(production, 'Service/slipway', ['spec', 'selector', component], 'api'),
    'Service/slipway',
    'selects no pods',
  ],
  [
    'pods and ports of Services',
    faulty(production, 'Service/slipway', 'spec.ports.0.targetPort', 'web'),
    'Service/slipway',
    'its pods have no port web',
  ],
  [
    'pods of disruption budgets',
    faulty(production, 'PodDisruptionBudget/slipway', ['spec', 'selector', 'matchLabels', component], 'api'),
    'PodDisruptionBudget/slipway',
    'selects no pods',
  ],
  ['targets of HPAs', faulty(production, hpa, 'spec.scaleTargetRef.name', 'api'), hpa, 'there is no Deployment/api'],
  [
    'targets of HPAs',
    faulty(production, hpa, 'spec.metrics.0.containerResource.container', 'app'),
    hpa,
    'Deployment/slipway has no container app',
  ],
  [
    'Services behind an Ingress',
    faulty(production, 'Ingress/slipway', 'spec.rules.0.http.paths.0.backend.service.name', 'api'),
    'Ingress/slipway',
    'there is no Service api',
  ],
  [
    'Services behind an Ingress',
    faulty(production, 'Ingress/slipway', 'spec.rules.0.http.paths.0.backend.service.port.name', 'web'),
    'Ingress/slipway',
    'Service slipway has no port web',
  ],
  [
    'what monitors scrape',
    faulty(production, 'ServiceMonitor/slipway', ['spec', 'selector', 'matchLabels', component], 'api'),
    'ServiceMonitor/slipway',
    'selects no Service',
  ],
  [
    'what monitors scrape',
    faulty(production, 'ServiceMonitor/slipway', 'spec.namespaceSelector.matchNames', ['default']),
    'ServiceMonitor/slipway',
    'selects no Service',
  ],
  [
    'what monitors scrape',
    faulty(production, 'ServiceMonitor/slipway', 'spec.endpoints.0.port', 'admin'),
    'ServiceMonitor/slipway',
    'no Service has a port admin',
  ],
  [
    'what monitors scrape',
    faulty(production, 'ServiceMonitor/slipway', 'spec.podTargetLabels', ['team']),
    'ServiceMonitor/slipway',
    'a pod has no label team',
  ],
  ['subjects and roles of bindings', [...production, bound], 'RoleBinding/reads', 'there is no Role reads'],
  [
    'subjects and roles of bindings',
    [...production, { ...bound, subjects: [{ name: 'reader' }] }],
    'RoleBinding/reads',
    'there is no account reader',
  ],
  [
    'pods of policies',
    faulty(production, 'NetworkPolicy/web', ['spec', 'podSelector', 'matchLabels', component], 'api'),
    'NetworkPolicy/web',
    'selects no pods',
  ],
  ['pods at the other end of policies', without(local, 'StatefulSet/redis'), 'NetworkPolicy/web', 'no pod has'],
  [
    'ports of policies',
    faulty(production, 'NetworkPolicy/web', 'spec.ingress.0.ports.0.port', 'web'),
    'NetworkPolicy/web',
    'no pod has port web',
  ],
  [
    'ports of policies',
    faulty(local, 'StatefulSet/redis', `${container}.ports.0.containerPort`, 6380),
    'NetworkPolicy/web',
    'no pod has port 6379',
  ],
  ['namespaces', faulty(production, web, 'metadata.namespace', 'elsewhere'), web, 'there is no namespace elsewhere'],
  [
    'objects that are there twice',
    [...production, ...production.filter(({ kind }) => kind === 'ServiceMonitor')],
    'ServiceMonitor/slipway',
    'is there twice',
  ],
];

describe('every reference leads somewhere', () => {
  it.each(environmentNames)('in charts-out/%s', (name) => {
    expect(faultsOf(committed(name))).toEqual([]);
  });

  it('in the profile with a page for Redis', () => {
    expect(faultsOf(withRedisUi())).toEqual([]);
  });

  it.each(Object.entries(variants))('%s', (_, environment) => {
    expect(faultsOf(synthesized(environment))).toEqual([]);
  });

  it.each(everything.map((each) => [each.name, each] as const))('with all options in %s', (_, environment) => {
    expect(faultsOf(synthesized(environment))).toEqual([]);
  });
});

describe('a reference that leads nowhere is told of', () => {
  it.each(examples.map(([reference, broken, object, problem]) => ({ reference, broken, object, problem })))(
    '$reference: $object $problem',
    ({ reference, broken, object, problem }) => {
      expect(faultsOf(broken)).toContainEqual({ reference, object, problem: expect.stringContaining(problem) });
    },
  );

  it('with an example for every kind of reference', () => {
    const shown = new Set(examples.map(([reference]) => reference));
    expect(references.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual([]);
  });
});

describe('what the manifests need is listed as a prerequisite', () => {
  it.each([
    ...environments.map((each) => [each.name, each] as const),
    ...everything.map((each) => [`${each.name} with all options`, each] as const),
    ...Object.entries(variants),
  ])('%s', (_, environment) => {
    expect(missingPrerequisites(synthesized(environment), environment.prerequisites)).toEqual([]);
  });

  it.each([
    ['metrics-server', hpa, 'a metric of type ContainerResource needs metrics-server'],
    ['prometheus-adapter', hpa, 'a metric of type Pods needs prometheus-adapter'],
    ['prometheus-operator', 'ServiceMonitor/slipway', 'its kind needs prometheus-operator'],
    ['external-secrets', 'SecretStore/slipway', 'its kind needs external-secrets'],
  ])('a manifest that needs %s fails without it', (missing, object, problem) => {
    const environment = variants['scaling on requests'];
    const listed = environment.prerequisites.filter((each) => each !== missing);
    expect(missingPrerequisites(synthesized(environment), listed)).toContainEqual({ object, problem });
  });

  it('and a type of metric that nobody is known to serve fails whatever is listed', () => {
    const broken = faulty(production, hpa, 'spec.metrics.0', { type: 'Custom' });
    expect(missingPrerequisites(broken, ['metrics-server', 'prometheus-operator', 'external-secrets'])).toEqual([
      { object: hpa, problem: 'a metric of type Custom needs an unknown server' },
    ]);
  });
});
