// What pods want of Secrets, ConfigMaps and volumes, and what fetched Secrets are made of.
import type { V1EnvFromSource, V1EnvVar, V1Volume } from '@kubernetes/client-node';
import { idOf, type Manifest } from './manifests.ts';
import { type Check, namesOf, ofKind, perObject, perWorkload, specOf, workloads } from './workloads.ts';

/** Keys of each Secret, those that External Secrets makes included. */
function secretKeys(manifests: readonly Manifest[]): Map<string, string[]> {
  const written = ofKind(manifests, 'Secret').map(
    ({ metadata, data = {}, stringData = {} }) =>
      [metadata.name, Object.keys({ ...(data as object), ...(stringData as object) })] as const,
  );
  const fetched = ofKind(manifests, 'ExternalSecret').map((each) => {
    const { target } = specOf<{ target: { name?: string; template?: { data?: object } } }>(each);
    return [target.name ?? each.metadata.name, Object.keys(target.template?.data ?? {})] as const;
  });
  return new Map([...written, ...fetched]);
}

const configKeys = (manifests: readonly Manifest[]) =>
  new Map(
    ofKind(manifests, 'ConfigMap').map(({ metadata, data = {} }) => [metadata.name, Object.keys(data as object)]),
  );

interface Wanted {
  name: string | undefined;
  /** None: all of them. */
  keys: string[];
}

/** A check that what workloads want of Secrets or ConfigMaps is there. */
const wantedOf = (
  kind: string,
  wanted: {
    volume(volume: V1Volume): Wanted | undefined;
    env(env: V1EnvVar): Wanted | undefined;
    from(from: V1EnvFromSource): Wanted | undefined;
  },
  keysOf: (manifests: readonly Manifest[]) => Map<string, string[]>,
): Check =>
  perWorkload(`${kind}s and their keys`, ({ spec, containers }, _, manifests) => {
    const there = keysOf(manifests);
    const all = [
      ...(spec.volumes ?? []).map(wanted.volume),
      ...containers.flatMap(({ env = [], envFrom = [] }) => [...env.map(wanted.env), ...envFrom.map(wanted.from)]),
    ];
    return all.flatMap((each) => {
      if (each === undefined) return [];
      const keys = there.get(each.name ?? '');
      if (keys === undefined) return [`there is no ${kind} ${each.name}`];
      return each.keys.map((key) => !keys.includes(key) && `${kind} ${each.name} has no ${key}`);
    });
  });

const itemKeys = (items: { key: string }[] = []) => items.map(({ key }) => key);

export const fileReferences: readonly Check[] = [
  wantedOf(
    'Secret',
    {
      volume: ({ secret }) => secret && { name: secret.secretName, keys: itemKeys(secret.items) },
      env: ({ valueFrom }) =>
        valueFrom?.secretKeyRef && { name: valueFrom.secretKeyRef.name, keys: [valueFrom.secretKeyRef.key] },
      from: ({ secretRef }) => secretRef && { name: secretRef.name, keys: [] },
    },
    secretKeys,
  ),
  wantedOf(
    'ConfigMap',
    {
      volume: ({ configMap }) => configMap && { name: configMap.name, keys: itemKeys(configMap.items) },
      env: ({ valueFrom }) =>
        valueFrom?.configMapKeyRef && { name: valueFrom.configMapKeyRef.name, keys: [valueFrom.configMapKeyRef.key] },
      from: ({ configMapRef }) => configMapRef && { name: configMapRef.name, keys: [] },
    },
    configKeys,
  ),
  {
    name: 'volumes and their mounts',
    faults: (manifests) =>
      workloads(manifests).flatMap(({ id, spec, containers }) => {
        const set = manifests.find((each) => idOf(each) === id) as Manifest;
        const { volumeClaimTemplates = [] } = specOf<{ volumeClaimTemplates?: { metadata: { name: string } }[] }>(set);
        const there = [...(spec.volumes ?? []), ...volumeClaimTemplates.map(({ metadata }) => metadata)].map(
          ({ name }) => name,
        );
        const mounted = containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name));
        return [
          ...mounted.filter((name) => !there.includes(name)).map((name) => `mounts ${name}, which is no volume`),
          ...there.filter((name) => !mounted.includes(name)).map((name) => `volume ${name} is mounted nowhere`),
        ].map((problem) => ({ object: id, problem }));
      }),
  },
  perObject('sources and entries of fetched secrets', ['ExternalSecret'], (each, all) => {
    const spec = specOf<{
      secretStoreRef: { kind: string; name: string };
      dataFrom: { rewrite: { regexp: { target: string } }[] }[];
      target: { template: { data: Record<string, string> } };
    }>(each);
    const { kind, name } = spec.secretStoreRef;
    const prefixes = spec.dataFrom.flatMap(({ rewrite }) =>
      rewrite.map(({ regexp }) => regexp.target.replace('$1', '')),
    );
    const members = Object.values(spec.target.template.data).flatMap((text) =>
      [...text.matchAll(/\.(\w+)/g)]
        .map(([, member]) => member as string)
        .filter((member) => text.includes(`{{ .${member} `)),
    );
    return [
      !namesOf(all, kind).includes(name) && `there is no ${kind} ${name}`,
      ...members.map((member) => !prefixes.some((prefix) => member.startsWith(prefix)) && `no entry gives .${member}`),
      ...prefixes.map(
        (prefix) => !members.some((member) => member.startsWith(prefix)) && `entry ${prefix}… is used nowhere`,
      ),
    ];
  }),
];
