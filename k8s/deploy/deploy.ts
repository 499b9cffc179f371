// `make deploy ENV=local`: image and manifests onto the cluster of the current context, and waiting until they run.
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sampleAccountId } from '../../config/account.ts';
import type { Environment } from '../../config/environment.ts';
import { readImages } from '../../config/images.ts';
import { synthesize } from '../synth.ts';
import { applyFiles } from './apply.ts';
import { command, DeployError, isOn, say } from './command.ts';
import { openCluster } from './context.ts';
import { environmentFor } from './environment.ts';
import { untilGated } from './first-gates.ts';
import { provideImage } from './image.ts';
import { insistOnPrerequisites } from './prerequisites.ts';
import { keepReplicas, removeUnwanted } from './scaling-changes.ts';
import { removeStaleJobs } from './stale-jobs.ts';
import { insistOnDocker, insistOnTools } from './tools.ts';
import { untilRunning } from './wait.ts';

const name = process.argv[2] || undefined;
const applied: string[] = [];
const reachableMs = 10_000;
const pollMs = 250;

function insistOnOwnAccount({ network, accountId, name }: Environment): void {
  if (network === undefined || accountId !== sampleAccountId) return;
  throw new DeployError(
    `config/account.ts has the account id ${sampleAccountId} of AWS' documentation: put your own there before you deploy ${name}`,
  );
}

function address(environment: Environment): string {
  const { network, loadBalancer, namespace, service } = environment;
  if (network === undefined) return `http://localhost:${loadBalancer.nodePort}`;
  if (loadBalancer.domain !== undefined) return `https://${loadBalancer.domain}`;
  return `its address: kubectl --namespace ${namespace} get ingress ${service.name}`;
}

/** The node port of a new Service opens a moment after its pods are ready. */
async function answers(url: string, stop: AbortSignal): Promise<boolean> {
  const end = Date.now() + reachableMs;
  while (Date.now() < end && !stop.aborted) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(pollMs * 4) }).catch(() => undefined);
    if (answer?.ok) return true;
    await sleep(pollMs);
  }
  return false;
}

await command(
  async (stop) => {
    const begun = Date.now();
    if (isOn('DRY_RUN')) {
      throw new DeployError(
        'DRY_RUN=1 is for what a deployment makes in AWS: make deploy ENV=staging DRY_RUN=1. What would change on a cluster: kubectl diff --filename charts-out/ENV',
      );
    }
    const environment = await environmentFor(name);
    insistOnOwnAccount(environment);
    const isLocal = environment.network === undefined;
    insistOnTools(isLocal ? ['docker', 'kind', 'kubectl'] : ['docker', 'aws', 'kubectl']);
    const given = readImages();
    say(`Checking the cluster for ${environment.name} …`);
    const cluster = await openCluster(environment, isOn('FORCE'), stop);
    await insistOnPrerequisites(environment, cluster, stop);
    await insistOnDocker(stop);
    const images = await provideImage(environment, given, cluster, stop);
    const files = synthesize({ environment, images });
    if (!isLocal) execFileSync(process.execPath, [fileURLToPath(new URL('../main.ts', import.meta.url))]);
    const manifests = [...files.values()].flat();
    await removeStaleJobs(manifests, environment, cluster, stop);
    await removeUnwanted(manifests, environment, cluster, stop);
    await keepReplicas(manifests, environment, cluster, stop);
    say(`Applying to ${cluster.context}, namespace ${environment.namespace} …`);
    await applyFiles(files, cluster, applied, stop, async (next) => {
      if (!isLocal) await untilGated(next, environment, cluster, stop);
    });
    const { namespace, rollout } = environment;
    await untilRunning(manifests, namespace, rollout, cluster, stop);
    const seconds = ((Date.now() - begun) / 1000).toFixed(1);
    const where = address(environment);
    const reachable = !isLocal || (await answers(`${where}/live`, stop));
    say(`${environment.service.name} runs after ${seconds} s: ${where}`);
    if (!reachable) {
      say(
        `  but nothing answers there, as the cluster was not made from kind.yaml: kubectl --namespace ${namespace} port-forward service/${environment.service.name} ${environment.loadBalancer.nodePort}:80`,
      );
    }
  },
  () => {
    if (applied.length === 0) return 'Nothing was applied.';
    return `Applied so far: ${applied.join(', ')}; make deploy ENV=${name} goes on from there, make undeploy ENV=${name} removes it.`;
  },
);
