// Whatever a manifest names must be there: in the same manifests, since each environment is applied on its own.
import { idOf, type Manifest } from './manifests.ts';
import { fileReferences } from './references-files.ts';
import { policyReferences } from './references-network.ts';
import {
  type Check,
  type Labels,
  matches,
  namesOf,
  ofKind,
  perObject,
  perWorkload,
  specOf,
  workloads,
} from './workloads.ts';

const selects = (manifests: readonly Manifest[], namespace: string | undefined, selector: Labels) =>
  workloads(manifests).filter((pods) => pods.namespace === namespace && matches(selector, pods.labels));

const pods: Check[] = [
  perWorkload('service accounts', ({ spec: { serviceAccountName = 'default' } }, _, manifests) => [
    !namesOf(manifests, 'ServiceAccount').includes(serviceAccountName) && `there is no account ${serviceAccountName}`,
  ]),
  perWorkload('ports of probes', ({ containers }) =>
    containers.flatMap(({ name, ports = [], startupProbe, readinessProbe, livenessProbe }) =>
      [startupProbe, readinessProbe, livenessProbe].map((probe) => {
        const port: unknown = (probe?.httpGet ?? probe?.tcpSocket)?.port;
        return (
          port !== undefined && !ports.some((each) => each.name === port) && `container ${name} has no port ${port}`
        );
      }),
    ),
  ),
  perWorkload('selectors of workloads', ({ id, labels, spec }, _, manifests) => {
    const { selector } = specOf<{ selector?: { matchLabels: Labels } }>(
      manifests.find((each) => idOf(each) === id) as Manifest,
    );
    return [
      selector?.matchLabels,
      ...(spec.topologySpreadConstraints ?? []).map((each) => each.labelSelector?.matchLabels),
    ].map(
      (wanted) => wanted !== undefined && !matches(wanted, labels) && `its pods have not ${JSON.stringify(wanted)}`,
    );
  }),
  perObject('Services of StatefulSets', ['StatefulSet'], (each, all) => {
    const { serviceName } = specOf<{ serviceName: string }>(each);
    return [!namesOf(all, 'Service').includes(serviceName) && `there is no Service ${serviceName}`];
  }),
  perObject('pods and ports of Services', ['Service'], (each, all) => {
    const spec = specOf<{ selector: Labels; ports: { targetPort: string | number }[] }>(each);
    const selected = selects(all, each.metadata.namespace, spec.selector);
    const offered = selected.flatMap(({ lasting }) => lasting.flatMap(({ ports = [] }) => ports));
    return [
      selected.length === 0 && 'selects no pods',
      ...spec.ports.map(
        ({ targetPort }) =>
          !offered.some(({ name, containerPort }) => [name, containerPort].includes(targetPort)) &&
          `its pods have no port ${targetPort}`,
      ),
    ];
  }),
  perObject('pods of disruption budgets', ['PodDisruptionBudget'], (each, all) => {
    const { selector } = specOf<{ selector: { matchLabels: Labels } }>(each);
    return [selects(all, each.metadata.namespace, selector.matchLabels).length === 0 && 'selects no pods'];
  }),
  perObject('targets of HPAs', ['HorizontalPodAutoscaler'], (each, all) => {
    const { scaleTargetRef, metrics } = specOf<{
      scaleTargetRef: { kind: string; name: string };
      metrics: { containerResource?: { container: string } }[];
    }>(each);
    const id = `${scaleTargetRef.kind}/${scaleTargetRef.name}`;
    const target = workloads(all).find((workload) => workload.id === id);
    return [
      target === undefined && `there is no ${id}`,
      ...metrics.map(
        ({ containerResource: resource }) =>
          target !== undefined &&
          resource !== undefined &&
          !target.containers.some(({ name }) => name === resource.container) &&
          `${id} has no container ${resource.container}`,
      ),
    ];
  }),
];

const edge: Check[] = [
  perObject('Services behind an Ingress', ['Ingress'], (each, all) => {
    type Backend = { service: { name: string; port: { name?: string; number?: number } } };
    const { rules } = specOf<{ rules: { http: { paths: { backend: Backend }[] } }[] }>(each);
    return rules
      .flatMap(({ http }) => http.paths)
      .map(({ backend: { service } }) => {
        const found = ofKind(all, 'Service').find(({ metadata }) => metadata.name === service.name);
        if (found === undefined) return `there is no Service ${service.name}`;
        const { ports } = specOf<{ ports: { name: string; port: number }[] }>(found);
        const there = ports.some(({ name, port }) => name === service.port.name || port === service.port.number);
        return !there && `Service ${service.name} has no port ${service.port.name ?? service.port.number}`;
      });
  }),
  perObject('what monitors scrape', ['ServiceMonitor'], (each, all) => {
    const spec = specOf<{
      selector: { matchLabels: Labels };
      namespaceSelector: { matchNames: string[] };
      endpoints: { port: string }[];
      podTargetLabels?: string[];
    }>(each);
    const services = ofKind(all, 'Service').filter(
      ({ metadata: { namespace = '', labels = {} } }) =>
        spec.namespaceSelector.matchNames.includes(namespace) && matches(spec.selector.matchLabels, labels),
    );
    const ports = services.flatMap((service) => specOf<{ ports: { name: string }[] }>(service).ports);
    const scraped = services.flatMap((service) =>
      selects(all, service.metadata.namespace, specOf<{ selector: Labels }>(service).selector),
    );
    return [
      services.length === 0 && 'selects no Service',
      ...spec.endpoints.map(({ port }) => !ports.some(({ name }) => name === port) && `no Service has a port ${port}`),
      ...(spec.podTargetLabels ?? []).map(
        (label) => scraped.some(({ labels }) => labels[label] === undefined) && `a pod has no label ${label}`,
      ),
    ];
  }),
  perObject('subjects and roles of bindings', ['RoleBinding'], (each, all) => {
    const { roleRef, subjects = [] } = each as unknown as { roleRef: { name: string }; subjects?: { name: string }[] };
    return [
      !namesOf(all, 'Role').includes(roleRef.name) && `there is no Role ${roleRef.name}`,
      ...subjects.map(({ name }) => !namesOf(all, 'ServiceAccount').includes(name) && `there is no account ${name}`),
    ];
  }),
];

/** Of what is configured for others: a ConfigMap for prometheus-adapter lies beside it. */
const foreignNamespaces = ['monitoring'];

const namespaces: Check = perObject('namespaces', [], ({ metadata: { namespace } }, all) => [
  namespace !== undefined &&
    ![...namesOf(all, 'Namespace'), ...foreignNamespaces].includes(namespace) &&
    `there is no namespace ${namespace}`,
]);

const twice: Check = {
  name: 'objects that are there twice',
  faults: (manifests) =>
    manifests
      .filter((each, index) =>
        manifests
          .slice(0, index)
          .some((other) => idOf(other) === idOf(each) && other.metadata.namespace === each.metadata.namespace),
      )
      .map((each) => ({ object: idOf(each), problem: 'is there twice' })),
};

/** Each kind of reference by name; a fault is one that leads nowhere. */
export const references: readonly Check[] = [
  ...fileReferences,
  ...pods,
  ...edge,
  ...policyReferences,
  namespaces,
  twice,
];
