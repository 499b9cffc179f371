import { contradictions } from './contradictions.ts';
import { type DerivedEnvironment, derive } from './derive.ts';
import { type EnvironmentInput, type EnvironmentValues, environmentSchema } from './schema.ts';

/** An environment with all its numbers: what was written down, what is a default, and what follows from them. */
export type Environment = DerivedEnvironment & {
  /** Paths of the values that were written down, such as `pod.memoryMiB`; the others are defaults of the schema. */
  readonly written: ReadonlySet<string>;
};

/** The values alone, from which a variant can be defined. */
export const valuesOf = ({ derived, written, ...values }: Environment): EnvironmentValues => values;

/** All faults of an environment at once, one line each. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly string[];
  constructor(environment: string, faults: readonly string[]) {
    super(
      `The environment ${environment} is contradictory or incomplete:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
    this.faults = faults;
  }
}

/**
 * Checks an environment and works out what follows from it.
 *
 * @throws ConfigError naming each faulty field with its unit and limits, or each pair of values that contradict one another
 */
export function defineEnvironment(input: EnvironmentInput): Environment {
  const parsed = environmentSchema.safeParse(input);
  if (!parsed.success) {
    throw new ConfigError(
      String(input.name),
      parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the environment'} ${message}`),
    );
  }
  const environment = derive(parsed.data);
  const faults = contradictions(environment);
  if (faults.length > 0) throw new ConfigError(environment.name, faults);
  return { ...environment, written: new Set(leaves(input).map(({ path }) => path)) };
}

/** The values of a nested object by their paths; a list is one value. */
export function leaves(value: unknown, path = ''): { path: string; value: unknown }[] {
  if (value === undefined) return [];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [{ path, value }];
  return Object.entries(value).flatMap(([name, member]) => leaves(member, path === '' ? name : `${path}.${name}`));
}
