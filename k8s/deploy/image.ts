// Building the image of the service and bringing it to where the nodes find it, under a tag that says its content.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { imageRepository } from '../../config/aws-names.ts';
import type { Environment } from '../../config/environment.ts';
import { type Images, imagesFile, parseImages, serviceImage } from '../../config/images.ts';
import { DeployError, say } from './command.ts';
import type { Cluster } from './context.ts';
import { RunError, run } from './run.ts';
import { lastLine } from './tools.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Steps of a build, as the classic builder and BuildKit print them. */
const step = /^(Step \d+\/\d+ :|#\d+ \[)/;
/** Steps that are over sooner come from the cache, and are not worth a line. */
const noticeableMs = 2000;

/** Builds from cached layers what has not changed. @returns id of the image, which is the digest of its content */
async function build({ network }: Environment, stop: AbortSignal): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-image-'));
  let current = '';
  const progress = setInterval(() => {
    if (current !== '') say(`  ${current}`);
    current = '';
  }, noticeableMs);
  try {
    const file = join(folder, 'id');
    // The nodes in AWS are x86, whatever builds; a laptop's own nodes are what the laptop is.
    const platform = network === undefined ? [] : ['--platform', 'linux/amd64'];
    const onLine = (line: string) => {
      if (step.test(line)) current = line;
    };
    await run('docker', ['build', '--iidfile', file, ...platform, '.'], { cwd: root, onLine, stop });
    return readFileSync(file, 'utf8').trim();
  } finally {
    clearInterval(progress);
    rmSync(folder, { recursive: true });
  }
}

const tagOf = (id: string) => id.replace('sha256:', '').slice(0, 12);

const withService = (images: Images, environment: Environment, version: { tag: string; digest?: string }): Images => ({
  ...images,
  service: { ...images.service, [environment.name]: version },
});

/** Onto the nodes of a kind cluster. Images of another cluster on a laptop are those of its Docker. */
async function load(reference: string, { kindName, context }: Cluster, stop: AbortSignal): Promise<void> {
  if (kindName === undefined) {
    say(`The context ${context} is not of kind: the nodes must find ${reference} in the Docker of this machine.`);
    return;
  }
  say(`Loading ${reference} onto the nodes of ${kindName} …`);
  await run('kind', ['load', 'docker-image', reference, '--name', kindName], { stop });
}

/** @returns digest of the image that has this tag in the registry; undefined when none has */
async function pushedDigest(tag: string, environment: Environment, stop: AbortSignal): Promise<string | undefined> {
  const { accountId, service, region } = environment;
  const registry = ['--registry-id', accountId, '--repository-name', service.name];
  const args = ['ecr', 'describe-images', ...registry, '--image-ids', `imageTag=${tag}`];
  const query = ['--query', 'imageDetails[0].imageDigest', '--output', 'text'];
  try {
    return (await run('aws', [...args, '--region', region, ...query], { stop })).trim();
  } catch (error) {
    // Whatever else is wrong, the push will say.
    if (error instanceof RunError) return undefined;
    throw error;
  }
}

/**
 * To the registry of the account, unless it is there: a repository whose tags are immutable refuses the same content as well.
 *
 * @returns the digest by which the nodes pull it
 */
export async function push(reference: string, repository: string, environment: Environment, stop: AbortSignal) {
  const there = await pushedDigest(reference.slice(repository.length + 1), environment, stop);
  if (there !== undefined) {
    say(`${reference} is in the registry already.`);
    return there;
  }
  const registry = repository.split('/')[0] as string;
  say(`Pushing ${reference} …`);
  const password = await run('aws', ['ecr', 'get-login-password', '--region', environment.region], { stop }).catch(
    (error: unknown) => {
      if (!(error instanceof RunError)) throw error;
      throw new DeployError(
        `No login for the registry ${registry}: sign in with \`aws sso login\` or set AWS_PROFILE (${lastLine(error.said)})`,
      );
    },
  );
  await run('docker', ['login', '--username', 'AWS', '--password-stdin', registry], { input: password, stop });
  await run('docker', ['push', reference], { stop });
  const text = await run('docker', ['image', 'inspect', '--format', '{{json .RepoDigests}}', reference], { stop });
  const pushed = (JSON.parse(text) as string[]).find((each) => each.startsWith(`${repository}@`));
  if (pushed === undefined) throw new DeployError(`Docker knows no digest of ${reference} after the push`);
  return pushed.slice(repository.length + 1);
}

/**
 * Builds the image and makes it available to the nodes.
 *
 * In AWS tag and digest are written to config/images.json, for the manifests in charts-out and the check of drift. A laptop's
 * image is known to that laptop only, so nothing is written.
 *
 * @returns `images` with the one that was built
 */
export async function provideImage(environment: Environment, images: Images, cluster: Cluster, stop: AbortSignal) {
  say('Building the image …');
  const id = await build(environment, stop);
  const tag = tagOf(id);
  const tagged = withService(images, environment, { tag });
  const reference = serviceImage(environment, tagged);
  await run('docker', ['tag', id, reference], { stop });
  if (environment.network === undefined) {
    await load(reference, cluster, stop);
    return tagged;
  }
  const digest = await push(reference, imageRepository(environment), environment, stop);
  const resolved = withService(images, environment, { tag, digest });
  const text = `${JSON.stringify(resolved, null, 2)}\n`;
  parseImages(text);
  writeFileSync(imagesFile, text);
  say(`config/images.json names ${tag}@${digest} for ${environment.name}.`);
  return resolved;
}
