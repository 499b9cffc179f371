// The part of the checklist that concerns pods: hardening, identity, secrets, images, resources and probes.
import type { V1Probe } from '@kubernetes/client-node';
import { type Check, perContainer, perObject, perWorkload } from './workloads.ts';

/** Below it a container's user may be one of the node. */
const lastSystemId = 10_000;
const volumeTypes = ['configMap', 'secret', 'emptyDir'];

/** Names and values that say themselves that they are secret. */
const secretName = /PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIALS|PRIVATE|_KEY$/;
const secretValue = /:\/\/[^/\s:]+:[^/\s@]+@|-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b/;
const isSecret = (name: string, value: string) =>
  (secretName.test(name) && !name.endsWith('_FILE')) || secretValue.test(value);

const hardening: Check[] = [
  perWorkload('runs as a user and group above 10000', ({ spec, containers }) =>
    containers.map(({ name, securityContext = {} }) => {
      const { runAsNonRoot, runAsUser, runAsGroup } = { ...spec.securityContext, ...securityContext };
      if (runAsNonRoot !== true) return `container ${name}: runAsNonRoot is ${runAsNonRoot}`;
      const low = [runAsUser, runAsGroup].some((id) => id === undefined || id <= lastSystemId);
      return low && `container ${name}: user ${runAsUser}, group ${runAsGroup}`;
    }),
  ),
  perContainer(
    'has a read-only root',
    ({ securityContext }) => securityContext?.readOnlyRootFilesystem !== true && 'its root can be written',
  ),
  perContainer(
    'cannot gain privileges',
    ({ securityContext }) =>
      (securityContext?.allowPrivilegeEscalation !== false || securityContext.privileged === true) &&
      'it may gain privileges',
  ),
  perContainer('drops all capabilities', ({ securityContext }) => {
    const { drop = [], add = [] } = securityContext?.capabilities ?? {};
    return (!drop.includes('ALL') || add.length > 0) && `drops [${drop}], adds [${add}]`;
  }),
  perWorkload('has the seccomp profile of its runtime', ({ spec, containers }) =>
    containers.map(({ name, securityContext }) => {
      const type = (securityContext?.seccompProfile ?? spec.securityContext?.seccompProfile)?.type;
      return type !== 'RuntimeDefault' && `container ${name}: ${type}`;
    }),
  ),
  perWorkload('shares nothing with its node', ({ spec, containers }) => [
    ...(['hostNetwork', 'hostPID', 'hostIPC'] as const).map((field) => spec[field] === true && field),
    ...containers.flatMap(({ name, ports = [] }) =>
      ports.map(({ hostPort }) => hostPort !== undefined && `container ${name}: port ${hostPort} of the node`),
    ),
  ]),
  perWorkload('mounts only volumes of allowed types', ({ spec: { volumes = [] } }) =>
    volumes.map((volume) => {
      const type = Object.keys(volume).find((key) => key !== 'name') ?? 'none';
      return !volumeTypes.includes(type) && `volume ${volume.name} is of type ${type}`;
    }),
  ),
];

const identity: Check[] = [
  perWorkload('has a service account of its own', ({ id, spec: { serviceAccountName = 'default' } }, all) => [
    serviceAccountName === 'default' && 'runs as default',
    ...all
      .filter((other) => other.id !== id && other.spec.serviceAccountName === serviceAccountName)
      .map((other) => `shares ${serviceAccountName} with ${other.id}`),
  ]),
  perWorkload('mounts no token', ({ spec }) => [spec.automountServiceAccountToken !== false && 'mounts a token']),
  perObject('has an account without a token', ['ServiceAccount'], ({ automountServiceAccountToken }) => [
    automountServiceAccountToken !== false && 'gives its token to pods',
  ]),
  perObject('grants no wildcard', ['Role', 'ClusterRole'], ({ rules }) =>
    ((rules ?? []) as Record<string, string[]>[]).flatMap((rule) =>
      Object.entries(rule).map(([field, values]) => values.includes('*') && `${field} has *`),
    ),
  ),
];

const secrets: Check[] = [
  perObject('holds no literal secret', ['Secret'], ({ data, stringData }) => [
    (data !== undefined || stringData !== undefined) && 'its values are written down',
  ]),
  perObject('puts no secret in a ConfigMap', ['ConfigMap'], ({ data }) =>
    Object.entries((data ?? {}) as Record<string, string>).map(
      ([name, value]) => isSecret(name, value) && `${name} is a secret`,
    ),
  ),
  perWorkload('puts no secret in a variable or argument', ({ containers }) =>
    containers.flatMap(({ env = [], command = [], args = [] }) => [
      ...env.map(({ name, value }) => value !== undefined && isSecret(name, value) && `${name} is written down`),
      ...[...command, ...args].map((text) => secretValue.test(text) && `the argument ${text} is a secret`),
    ]),
  ),
  perWorkload('gets secrets as files', ({ containers }) =>
    containers.flatMap(({ env = [], envFrom = [] }) => [
      ...env.map(({ name, valueFrom }) => valueFrom?.secretKeyRef !== undefined && `${name} is a variable`),
      ...envFrom.map(({ secretRef }) => secretRef !== undefined && `all of ${secretRef.name} are variables`),
    ]),
  ),
  perWorkload('lets only its group read secrets', ({ spec: { volumes = [] } }) =>
    volumes.map(
      ({ name, secret }) =>
        secret !== undefined && ((secret.defaultMode ?? 0o644) & 0o227) !== 0 && `volume ${name} is open to others`,
    ),
  ),
];

const images: Check[] = [
  perContainer('pins its image by tag or digest', ({ image = '' }) => {
    const [, tag] = /^[^@]*\/?[^/@:]+:([^/@:]+)(@|$)/.exec(image) ?? [];
    const digest = /@sha256:[0-9a-f]{64}$/.test(image);
    return (tag === 'latest' || (tag === undefined && !digest)) && `its image is ${image}`;
  }),
];

const resources: Check[] = [
  perContainer('requests CPU, memory and disk', ({ resources }) => {
    const missing = ['cpu', 'memory', 'ephemeral-storage'].filter((name) => resources?.requests?.[name] === undefined);
    return missing.length > 0 && `requests no ${missing.join(', ')}`;
  }),
  perContainer('limits memory and disk to what it requests', ({ resources: { limits, requests } = {} }) => {
    const other = ['memory', 'ephemeral-storage'].filter((name) => limits?.[name] !== requests?.[name]);
    return other.length > 0 && `${other.join(', ')} differ`;
  }),
  perWorkload('limits each emptyDir', ({ spec: { volumes = [] } }) =>
    volumes.map(({ name, emptyDir }) => emptyDir !== undefined && emptyDir.sizeLimit === undefined && `volume ${name}`),
  ),
];

const ask = ({ httpGet, tcpSocket, exec, grpc }: V1Probe) => JSON.stringify({ httpGet, tcpSocket, exec, grpc });

const probes: Check[] = [
  perWorkload('has a startup probe', ({ lasting }) =>
    lasting.map(({ name, startupProbe }) => startupProbe === undefined && `container ${name} has none`),
  ),
  perWorkload('is asked whether it is ready and whether it lives', ({ kind, spec }) =>
    (kind === 'Job' ? [] : spec.containers).map(
      ({ name, readinessProbe, livenessProbe }) =>
        (readinessProbe === undefined || livenessProbe === undefined) && `container ${name} lacks one`,
    ),
  ),
  // A data store has one port and nothing behind it that could be lost: both probes may ask there.
  perWorkload('asks for life otherwise than for readiness', ({ kind, spec }) =>
    (kind === 'Deployment' ? spec.containers : []).map(
      ({ name, readinessProbe, livenessProbe }) =>
        readinessProbe !== undefined &&
        livenessProbe !== undefined &&
        ask(readinessProbe) === ask(livenessProbe) &&
        `container ${name} has one question for both`,
    ),
  ),
  perWorkload('names its ports in at most 15 characters, each once', ({ containers }) => {
    const names = containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name ?? ''));
    return names.map(
      (name, index) =>
        (!/^[a-z][a-z0-9-]{0,14}$/.test(name) || names.indexOf(name) !== index) && `a port is named "${name}"`,
    );
  }),
  perContainer('probes ports by name', ({ startupProbe, readinessProbe, livenessProbe }) => {
    const numbers = [startupProbe, readinessProbe, livenessProbe].flatMap((probe) => {
      const port: unknown = (probe?.httpGet ?? probe?.tcpSocket)?.port;
      return typeof port === 'number' ? [port] : [];
    });
    return numbers.length > 0 && `port ${numbers.join(', ')}`;
  }),
];

export const podChecks: readonly Check[] = [...hardening, ...identity, ...secrets, ...images, ...resources, ...probes];
