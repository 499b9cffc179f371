// `make cluster`: a kind cluster as kind.yaml has it, with what the manifests of `local` need. Repeated, it only looks.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import type { Prerequisite } from '../../config/schema.ts';
import { addons } from './addons.ts';
import { command, DeployError, say } from './command.ts';
import { type Cluster, openCluster } from './context.ts';
import { environmentFor } from './environment.ts';
import { checks } from './prerequisites.ts';
import { RunError, run } from './run.ts';
import { insistOnDocker, insistOnTools, lastLine } from './tools.ts';

const configFile = fileURLToPath(new URL('../../kind.yaml', import.meta.url));
const waitSeconds = 180;

async function create(name: string, stop: AbortSignal): Promise<void> {
  const clusters = (await run('kind', ['get', 'clusters'], { stop })).split('\n');
  if (clusters.includes(name)) {
    say(`cluster ${name}: present`);
  } else {
    say(`cluster ${name}: creating …`);
    const onLine = (line: string) => say(`  ${line.trim()}`);
    try {
      await run('kind', ['create', 'cluster', '--config', configFile, '--wait', `${waitSeconds}s`], { onLine, stop });
    } catch (error) {
      // Half a cluster would count as present the next time.
      await run('kind', ['delete', 'cluster', '--name', name], { onLine }).catch((left: Error) => {
        throw new DeployError(
          `${(error as Error).message}\nWhat there is of it could not be deleted either; \`kind delete cluster --name ${name}\` before the next attempt: ${left.message}`,
        );
      });
      throw error;
    }
  }
  // Makes the context current again, and known where another kubeconfig is used.
  await run('kind', ['export', 'kubeconfig', '--name', name], { stop });
}

/** @throws DeployError naming the address and what to do without a network */
async function applyFrom(cluster: Cluster, what: string, urls: readonly string[], stop: AbortSignal): Promise<void> {
  for (const url of urls) {
    await cluster
      .kubectl(['apply', '--server-side', '--force-conflicts', '--filename', url], { stop })
      .catch((error: unknown) => {
        if (!(error instanceof RunError)) throw error;
        throw new DeployError(
          `${what} cannot be installed from ${url} (${lastLine(error.said)}): download it where there is a network, \`kubectl apply --server-side --filename\` it, and run make cluster again`,
        );
      });
  }
}

/** How each prerequisite of `local` is installed. */
const installers: Partial<Record<Prerequisite, (cluster: Cluster, stop: AbortSignal) => Promise<void>>> = {
  'metrics-server': async (cluster, stop) => {
    await applyFrom(cluster, 'metrics-server', [addons.metricsServer.url], stop);
    // The kubelets of kind have certificates that nobody signed.
    const patch = [{ op: 'add', path: '/spec/template/spec/containers/0/args/-', value: '--kubelet-insecure-tls' }];
    const deployment = ['deployment', 'metrics-server', '--namespace', 'kube-system'];
    await cluster.kubectl(['patch', ...deployment, '--type=json', '--patch', JSON.stringify(patch)], { stop });
    await cluster.kubectl(['wait', ...deployment, '--for=condition=Available', `--timeout=${waitSeconds}s`], { stop });
    const service = 'apiservice/v1beta1.metrics.k8s.io';
    await cluster.kubectl(['wait', service, '--for=condition=Available', `--timeout=${waitSeconds}s`], { stop });
  },
  'prometheus-operator': async (cluster, stop) => {
    const { names, urls } = addons.prometheusOperatorDefinitions;
    await applyFrom(cluster, 'The definitions of the Prometheus operator', urls, stop);
    // Until then the API server knows no objects of these kinds.
    const objects = names.map((name) => `customresourcedefinition/${name}`);
    await cluster.kubectl(['wait', ...objects, '--for=condition=Established', `--timeout=${waitSeconds}s`], { stop });
  },
};

await command(
  async (stop) => {
    const local = await environmentFor('local');
    insistOnTools(['docker', 'kind', 'kubectl']);
    await insistOnDocker(stop);
    const { name } = parse(readFileSync(configFile, 'utf8')) as { name: string };
    await create(name, stop);
    const cluster = await openCluster(local, false, stop);
    for (const prerequisite of local.prerequisites) {
      if ((await checks[prerequisite].probe(cluster, stop)) === undefined) {
        say(`${prerequisite}: present`);
        continue;
      }
      const install = installers[prerequisite];
      if (install === undefined) {
        throw new DeployError(`${prerequisite} is missing; get it: ${checks[prerequisite].howToGet}`);
      }
      say(`${prerequisite}: installing …`);
      await install(cluster, stop);
    }
    say(`The cluster is ready as ${cluster.context}: make deploy ENV=local or make dev`);
  },
  () => 'make cluster goes on from there.',
);
