// Environments with one thing wrong, and what is said of them.
import { ConfigError, defineEnvironment } from '../../config/environment.ts';
import type { EnvironmentInput } from '../../config/schema.ts';
import { isObject } from '../k8s/support/manifests.ts';

/**
 * @param path keys joined by dots
 * @param value undefined removes the field
 */
export function changed(input: EnvironmentInput, path: string, value: unknown): EnvironmentInput {
  const copy: Record<string, unknown> = structuredClone({ ...input });
  const keys = path.split('.');
  let parent = copy;
  for (const key of keys.slice(0, -1)) {
    if (!isObject(parent[key])) parent[key] = {};
    parent = parent[key] as Record<string, unknown>;
  }
  parent[keys.at(-1) as string] = value;
  return copy as EnvironmentInput;
}

/** What is said of an environment, line by line; nothing when it is right. */
export function faultsOf(input: EnvironmentInput): readonly string[] {
  try {
    defineEnvironment(input);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    return [(error as Error).message];
  }
}
