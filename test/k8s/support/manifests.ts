// The manifests of an environment, of a variant of it, and of one with a fault in it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { defineEnvironment, type Environment, valuesOf } from '../../../config/environment.ts';
import { environmentNamed } from '../../../config/environments.ts';
import { type Images, readImages } from '../../../config/images.ts';
import type { EnvironmentInput } from '../../../config/schema.ts';
import { type Manifest, synthesize } from '../../../k8s/synth.ts';

export type { Manifest };

export const root = join(__dirname, '..', '..', '..');
export const environmentNames = ['local', 'staging', 'production'] as const;

/** @returns what charts-out holds for an environment, in the order in which it is applied */
export function committed(environment: string): Manifest[] {
  const folder = join(root, 'charts-out', environment);
  return readdirSync(folder)
    .sort()
    .flatMap((file) =>
      parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((each) => each.toJS() as Manifest),
    );
}

/** @returns what the charts make of an environment */
export const synthesized = (environment: Environment, images: Images = readImages()): Manifest[] =>
  [...synthesize({ environment, images }).values()].flat().map((each) => structuredClone(each));

type Change<T> = { [Key in keyof T]?: T[Key] extends readonly unknown[] ? T[Key] : Change<T[Key]> | undefined };

/** An environment that differs in some values; undefined takes an optional one away. */
export function variant(name: string, change: Change<EnvironmentInput>): Environment {
  return defineEnvironment(merged(valuesOf(environmentNamed(name)), change) as EnvironmentInput);
}

function merged(base: unknown, change: unknown): unknown {
  if (!isObject(base) || !isObject(change)) return change;
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(change)) result[key] = merged(base[key], value);
  return result;
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const idOf = ({ kind, metadata }: Manifest) => `${kind}/${metadata.name}`;

/** @throws Error when there is no such object */
export function objectNamed(manifests: readonly Manifest[], id: string): Manifest {
  const found = manifests.find((each) => idOf(each) === id);
  if (found === undefined) throw new Error(`there is no ${id}; there are ${manifests.map(idOf).join(', ')}`);
  return found;
}

/**
 * A copy of the manifests in which one field is another.
 *
 * @param id kind and name of the object
 * @param path keys and indices, as a list or joined by dots
 * @param value undefined removes the field
 */
export function faulty(
  manifests: readonly Manifest[],
  id: string,
  path: string | readonly string[],
  value: unknown,
): Manifest[] {
  const copy = structuredClone([...manifests]);
  const keys = typeof path === 'string' ? path.split('.') : path;
  let parent: unknown = objectNamed(copy, id);
  for (const key of keys.slice(0, -1)) {
    const holder = parent as Record<string, unknown>;
    holder[key] ??= {};
    parent = holder[key];
  }
  const last = keys.at(-1) as string;
  if (value !== undefined) (parent as Record<string, unknown>)[last] = value;
  else if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete (parent as Record<string, unknown>)[last];
  return copy;
}
