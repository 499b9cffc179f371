// Applying the files of an environment in their order.
import { type Manifest, render } from '../synth.ts';
import { DeployError, InterruptedError, say } from './command.ts';
import type { Cluster } from './context.ts';
import { RunError } from './run.ts';

/** `deployment.apps/slipway configured` → how many of each verb. */
function summary(lines: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const line of lines) {
    const [, verb] = /^\S+\/\S+ (created|configured|unchanged)/.exec(line) ?? [];
    if (verb !== undefined) counts.set(verb, (counts.get(verb) ?? 0) + 1);
  }
  return [...counts].map(([verb, count]) => `${count} ${verb}`).join(', ');
}

/**
 * @param files file name → manifests, in order
 * @param applied receives the name of each file that is on the cluster
 * @param before is awaited with the manifests of each file before they are applied
 * @throws DeployError naming the file and what the API server said of it
 */
export async function applyFiles(
  files: ReadonlyMap<string, readonly Manifest[]>,
  cluster: Cluster,
  applied: string[],
  stop: AbortSignal,
  before: (manifests: readonly Manifest[]) => Promise<void>,
): Promise<void> {
  for (const [file, manifests] of files) {
    await before(manifests);
    if (stop.aborted) throw new InterruptedError('interrupted');
    const name = file.replace(/\.yaml$/, '');
    // Without `stop`: a file is applied in whole or not at all, as far as we can help it.
    const out = await cluster.kubectl(['apply', '--filename=-'], { input: render(manifests) }).catch((error) => {
      if (!(error instanceof RunError)) throw error;
      const earlier =
        applied.length === 0 ? 'nothing was applied before it' : `applied before it: ${applied.join(', ')}`;
      throw new DeployError(`${name} cannot be applied (${earlier}):\n${error.said}`);
    });
    applied.push(name);
    say(`  ${name.padEnd(20)} ${summary(out.split('\n'))}`);
  }
}
