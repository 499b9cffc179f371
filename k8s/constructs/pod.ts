// What every pod has in common: hardening, resources, files of secrets.
import { k8s } from 'cdk8s-plus-28';

/** User and group of containers whose image does not demand others; above 10000, so that they are no user of a node. */
const uid = 10_001;

/** A pod that Pod Security `restricted` admits, and that has no token for the API server. */
export const hardenedPod = (userId: number = uid) =>
  ({
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: userId,
      runAsGroup: userId,
      fsGroup: userId,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
  }) satisfies Partial<k8s.PodSpec>;

/** A container that can write nowhere but to its volumes, and gain nothing. */
export const hardenedContainer = {
  imagePullPolicy: 'IfNotPresent',
  // `kubectl describe pod` then shows the last lines of a container that failed, such as which setting is wrong.
  terminationMessagePolicy: 'FallbackToLogsOnError',
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    capabilities: { drop: ['ALL'] },
  },
} satisfies Partial<k8s.Container>;

export interface Resources {
  cpuRequestMillis: number;
  /** Unset: what the node has to spare. */
  cpuLimitMillis?: number | undefined;
  memoryMiB: number;
  ephemeralStorageMiB: number;
}

/** Memory and disk are requested as they are limited: a pod that was placed is never killed for its neighbours. */
export function resources({
  cpuRequestMillis,
  cpuLimitMillis,
  memoryMiB,
  ephemeralStorageMiB,
}: Resources): k8s.ResourceRequirements {
  const fixed = {
    memory: k8s.Quantity.fromString(`${memoryMiB}Mi`),
    'ephemeral-storage': k8s.Quantity.fromString(`${ephemeralStorageMiB}Mi`),
  };
  return {
    requests: { cpu: k8s.Quantity.fromString(`${cpuRequestMillis}m`), ...fixed },
    limits: {
      ...(cpuLimitMillis === undefined ? {} : { cpu: k8s.Quantity.fromString(`${cpuLimitMillis}m`) }),
      ...fixed,
    },
  };
}

/** Entries of a Secret that a container gets as files. */
export interface SecretFiles {
  secretName: string;
  /** Name of the file → key in the Secret. */
  items: Readonly<Record<string, string>>;
}

/** Where containers find the files. Files, not variables: a rotation reaches a running pod, and nothing of it is in `kubectl describe`. */
export const settingsDir = '/run/settings';

export const secretVolume = ({ secretName, items }: SecretFiles): k8s.Volume => ({
  name: 'settings',
  secret: {
    secretName,
    defaultMode: 0o440,
    items: Object.entries(items).map(([path, key]) => ({ key, path })),
  },
});

export const secretMount: k8s.VolumeMount = { name: 'settings', mountPath: settingsDir, readOnly: true };

/** An environment as Kubernetes wants it, in the given order. */
export const variables = (values: Readonly<Record<string, string | undefined>>): k8s.EnvVar[] =>
  Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [{ name, value }]));
