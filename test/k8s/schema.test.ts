import { committed, environmentNames, faulty, idOf, objectNamed, synthesized } from './support/manifests.ts';
import { schemasFor } from './support/schema.ts';
import { everything, variants, withRedisUi } from './support/variants.ts';

const production = committed('production');
const local = committed('local');
const faults = schemasFor([...production, ...local]);

/** The faults of one object in which one field is another. */
const faultsOf = (id: string, path: string, value: unknown, manifests = production) =>
  faults(objectNamed(faulty(manifests, id, path, value), id));

describe('every manifest keeps to the schema of its kind', () => {
  it.each(environmentNames)('in charts-out/%s', (name) => {
    const manifests = committed(name);
    expect(manifests.length).toBeGreaterThan(15);
    expect(manifests.flatMap((each) => faults(each).map((fault) => `${idOf(each)}: ${fault}`))).toEqual([]);
  });

  it('in the profile with a page for Redis', () => {
    expect(withRedisUi().flatMap((each) => faults(each).map((fault) => `${idOf(each)}: ${fault}`))).toEqual([]);
  });

  it.each([
    ...Object.entries(variants),
    ...everything.map((each) => [`with all options in ${each.name}`, each] as const),
  ])('%s', (_, environment) => {
    const manifests = synthesized(environment);
    expect(manifests.flatMap((each) => faults(each).map((fault) => `${idOf(each)}: ${fault}`))).toEqual([]);
  });
});

describe('a manifest with a fault is told of by path', () => {
  const container = 'spec.template.spec.containers.0';

  it.each([
    ['Deployment/slipway', `${container}.imagePolicy`, 'Always', '/spec/template/spec/containers/0/imagePolicy'],
    ['Deployment/slipway', 'spec.template.spec.replicas', 2, '/spec/template/spec/replicas'],
    ['Deployment/slipway', `${container}.lifecycle.preStop.sleep.minutes`, 1, '/preStop/sleep/minutes'],
    ['HorizontalPodAutoscaler/slipway', 'spec.behavior.scaleUp.slack', '0', '/spec/behavior/scaleUp/slack'],
    ['NetworkPolicy/web', 'spec.ingress.0.form', [], '/spec/ingress/0/form'],
    ['Ingress/slipway', 'metadata.annotation', {}, '/metadata/annotation'],
    ['ServiceMonitor/slipway', 'spec.endpoints.0.intervall', '15s', '/spec/endpoints/0/intervall'],
    ['ExternalSecret/slipway', 'spec.dataFrom.0.extract.keys', 'x', '/spec/dataFrom/0/extract/keys'],
    ['SecretStore/slipway', 'spec.provider.aws.zone', 'us-east-1a', '/spec/provider/aws/zone'],
  ])('unknown: %s %s', (id, path, value, named) => {
    expect(faultsOf(id, path, value)).toEqual([expect.stringContaining(`${named} is no field of the schema`)]);
  });

  it.each([
    ['Deployment/slipway', 'spec.minReadySeconds', '5', '/spec/minReadySeconds must be integer'],
    ['Deployment/slipway', `${container}.resources.requests.memory`, '512 MB', '/resources/requests/memory'],
    [
      'Deployment/slipway',
      `${container}.lifecycle.preStop.sleep.seconds`,
      '15',
      '/preStop/sleep/seconds must be integer',
    ],
    ['HorizontalPodAutoscaler/slipway', 'spec.behavior.scaleUp.tolerance', true, '/behavior/scaleUp/tolerance'],
    ['ConfigMap/slipway', 'data.PORT', 3000, '/data/PORT must be string'],
    ['Ingress/slipway', 'spec.rules', {}, '/spec/rules must be array'],
    ['ServiceMonitor/slipway', 'spec.endpoints.0.interval', 15, '/spec/endpoints/0/interval must be string'],
    ['ExternalSecret/slipway', 'spec.target.creationPolicy', 'Own', '/spec/target/creationPolicy must be equal to'],
    ['SecretStore/slipway', 'spec.provider.aws.service', 'Vault', '/spec/provider/aws/service must be equal to'],
  ])('of the wrong type: %s %s', (id, path, value, told) => {
    expect(faultsOf(id, path, value)).toContainEqual(expect.stringContaining(told));
  });

  it.each([
    ['Deployment/slipway', 'spec.selector', '/spec', 'selector'],
    ['Deployment/slipway', `${container}.name`, '/spec/template/spec/containers/0', 'name'],
    ['Deployment/slipway', `${container}.ports.0.containerPort`, '/ports/0', 'containerPort'],
    ['HorizontalPodAutoscaler/slipway', 'spec.maxReplicas', '/spec', 'maxReplicas'],
    [
      'HorizontalPodAutoscaler/slipway',
      'spec.metrics.0.containerResource.container',
      '/containerResource',
      'container',
    ],
    ['Ingress/slipway', 'spec.rules.0.http.paths.0.pathType', '/spec/rules/0/http/paths/0', 'pathType'],
    ['ServiceMonitor/slipway', 'spec.selector', '/spec', 'selector'],
    ['ExternalSecret/slipway', 'spec.dataFrom.0.extract.key', '/spec/dataFrom/0/extract', 'key'],
    ['SecretStore/slipway', 'spec.provider.aws.region', '/spec/provider/aws', 'region'],
  ])('missing: %s %s', (id, path, at, field) => {
    expect(faultsOf(id, path, undefined)).toContainEqual(
      expect.stringMatching(new RegExp(`${at} must have required property '?${field}`)),
    );
  });

  it('and a kind of which there is no schema is no quiet pass', () => {
    expect(() => schemasFor(faulty(production, 'Ingress/slipway', 'apiVersion', 'extensions.example.org/v1'))).toThrow(
      'no package has the schema of extensions.example.org/v1/Ingress',
    );
  });
});
