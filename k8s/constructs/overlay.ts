import type { ApiObject } from 'cdk8s';

/**
 * Sets a field that the typed object does not know: cdk8s-plus-28 has the fields of Kubernetes 1.28 and drops newer ones
 * without a word, even those that addJsonPatch adds.
 *
 * @param path keys and indices from the root of the manifest; the last but one must exist
 * @throws Error when it does not, as the patch would land nowhere
 */
export function overlay(object: ApiObject, path: readonly (string | number)[], value: unknown): void {
  const typed = object.toJson.bind(object);
  object.toJson = () => {
    const manifest: unknown = typed();
    const last = path.at(-1) as string | number;
    let parent = manifest as Record<string | number, unknown> | undefined;
    for (const key of path.slice(0, -1)) parent = parent?.[key] as Record<string | number, unknown> | undefined;
    if (typeof parent !== 'object' || parent === null) {
      throw new Error(`${object.kind} ${object.name} has no ${path.slice(0, -1).join('.')} to set ${last} in`);
    }
    parent[last] = value;
    return manifest;
  };
}
