// Which cluster is meant: the current context of kubectl, if it fits the environment.
import { clusterName } from '../../config/aws-names.ts';
import type { Environment } from '../../config/environment.ts';
import { DeployError } from './command.ts';
import { RunError, type RunOptions, run } from './run.ts';
import { lastLine } from './tools.ts';

/** A cluster that answers. */
export interface Cluster {
  readonly context: string;
  /** Name of the cluster in kind, when it is one. */
  readonly kindName: string | undefined;
  /** kubectl with this context, whatever the current one becomes meanwhile. */
  kubectl(args: readonly string[], options?: RunOptions): Promise<string>;
}

const kindPrefix = 'kind-';
/** Name in kind.yaml. */
const localCluster = 'slipway';
/** `tolerance` of an HPA is served from this version on. */
const oldestMinor = 35;
const answerSeconds = 10;

/** The context that an environment wants, in words and as a test. */
function expectedContext(environment: Environment): { fits: (context: string) => boolean; how: string } {
  const { accountId, region, network } = environment;
  if (network === undefined) {
    return {
      fits: (context) => context.startsWith(kindPrefix),
      how: `\`make cluster\` makes a cluster with the context ${kindPrefix}${localCluster}`,
    };
  }
  const name = clusterName(environment);
  return {
    fits: (context) => context === name || context === `arn:aws:eks:${region}:${accountId}:cluster/${name}`,
    how: `\`aws eks update-kubeconfig --region ${region} --name ${name}\` makes it known and current`,
  };
}

/** Name of the cluster in a context that `aws eks update-kubeconfig` made. */
const nameInArn = /^arn:aws[a-z-]*:eks:[^:]*:[^:]*:cluster\/(.+)$/;

/** Whether it is the cluster of another environment, as far as its name says. */
async function isOfAnother(context: string, environment: Environment): Promise<boolean> {
  // Loaded late, as each contradiction of config/ is an error of its own, which environmentFor has told.
  const { environments } = await import('../../config/environments.ts');
  const [, name = context] = nameInArn.exec(context) ?? [];
  const others = environments.filter((each) => each.network !== undefined && each.name !== environment.name);
  return others.some((each) => name === clusterName(each));
}

/**
 * @param force takes the current context whatever its name
 * @throws DeployError when there is no context, it does not fit the environment, or its cluster does not answer
 */
export async function openCluster(environment: Environment, force: boolean, stop: AbortSignal): Promise<Cluster> {
  const { fits, how } = expectedContext(environment);
  const context = await run('kubectl', ['config', 'current-context'], { stop }).then(
    (text) => text.trim(),
    (error: unknown) => {
      if (!(error instanceof RunError)) throw error;
      throw new DeployError(`kubectl has no current context: ${how}`);
    },
  );
  if ((await isOfAnother(context, environment)) || (environment.network === undefined && nameInArn.test(context))) {
    throw new DeployError(
      `The kubectl context ${context} is a cluster in AWS, which ${environment.name} never touches, not even with FORCE=1: ${how}`,
    );
  }
  if (!fits(context) && !force) {
    throw new DeployError(
      `The kubectl context ${context} is no cluster for ${environment.name}: ${how}, FORCE=1 takes this one all the same`,
    );
  }
  const kubectl = (args: readonly string[], options?: RunOptions) =>
    run('kubectl', ['--context', context, ...args], options);
  await insistOnVersion(context, kubectl, how, stop);
  return {
    context,
    kindName: context.startsWith(kindPrefix) ? context.slice(kindPrefix.length) : undefined,
    kubectl,
  };
}

/** How to get a cluster in place of one that is of no use: `make cluster` leaves one that is there as it is. */
async function insteadOf(context: string, how: string, stop: AbortSignal): Promise<string> {
  if (context !== `${kindPrefix}${localCluster}`) return how;
  const clusters = await run('kind', ['get', 'clusters'], { stop }).catch((error: unknown) => {
    if (!(error instanceof DeployError)) throw error;
    return '';
  });
  return clusters.split('\n').includes(localCluster)
    ? `\`kind delete cluster --name ${localCluster}\`, then \`make cluster\``
    : how;
}

async function insistOnVersion(context: string, kubectl: Cluster['kubectl'], how: string, stop: AbortSignal) {
  const text = await kubectl(['version', '--output=json', `--request-timeout=${answerSeconds}s`], { stop }).catch(
    async (error: unknown) => {
      if (!(error instanceof RunError)) throw error;
      const instead = await insteadOf(context, how, stop);
      throw new DeployError(
        `The cluster of the context ${context} does not answer (${lastLine(error.said)}): ${instead}`,
      );
    },
  );
  const { serverVersion } = JSON.parse(text) as { serverVersion: { minor: string; gitVersion: string } };
  if (Number.parseInt(serverVersion.minor, 10) < oldestMinor) {
    const instead = await insteadOf(context, how, stop);
    throw new DeployError(
      `The cluster of the context ${context} runs Kubernetes ${serverVersion.gitVersion}; the manifests need 1.${oldestMinor} or later (HPA tolerance): ${instead}`,
    );
  }
}
