import type { Environment } from './environment.ts';
import { local } from './local.ts';
import { production } from './production.ts';
import { staging } from './staging.ts';

export const environments: readonly Environment[] = [local, staging, production];

/** @throws Error that lists the environments when there is none of this name */
export function environmentNamed(name: string | undefined): Environment {
  const found = environments.find((each) => each.name === name);
  if (found) return found;
  const known = environments.map((each) => each.name).join(', ');
  throw new Error(
    name
      ? `There is no environment ${name}; there are ${known}.`
      : `Which environment? ENV=${known.replaceAll(', ', '|')}`,
  );
}
