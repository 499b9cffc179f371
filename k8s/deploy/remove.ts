import type { Environment } from '../../config/environment.ts';
import { readImages } from '../../config/images.ts';
import { render, synthesize } from '../synth.ts';
import { say } from './command.ts';
import type { Cluster } from './context.ts';

/** Removes what a deployment of an environment made, its data included, and waits for the end of it. */
export async function removeEnvironment(environment: Environment, cluster: Cluster, stop?: AbortSignal): Promise<void> {
  const { namespace } = environment;
  const elsewhere = [...synthesize({ environment, images: readImages() }).values()]
    .flat()
    .filter(({ kind, metadata }) => kind !== 'Namespace' && metadata.namespace !== namespace);
  const onLine = (line: string) => say(`  ${line}`);
  const options = stop === undefined ? { onLine } : { onLine, stop };
  say(`Removing the namespace ${namespace} from ${cluster.context} …`);
  if (elsewhere.length > 0) {
    await cluster.kubectl(['delete', '--ignore-not-found', '--filename=-'], { input: render(elsewhere), ...options });
  }
  await cluster.kubectl(['delete', 'namespace', namespace, '--ignore-not-found'], options);
  say(`Nothing of ${environment.name} is left on ${cluster.context}.`);
}
