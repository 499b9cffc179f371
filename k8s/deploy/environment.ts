import type { Environment } from '../../config/environment.ts';

/**
 * Loads config/ when it is called and not before: an environment that contradicts itself then fails with a message.
 *
 * @throws ConfigError, or Error that lists the environments when there is none of this name
 */
export async function environmentFor(name: string | undefined): Promise<Environment> {
  const { environmentNamed } = await import('../../config/environments.ts');
  return environmentNamed(name);
}
