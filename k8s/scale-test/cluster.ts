// The cluster under test: kubectl for what is done once, and the API itself for what is read every other second.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DeployError } from '../deploy/command.ts';
import { RunError, type RunOptions, run } from '../deploy/run.ts';
import { lastLine } from '../deploy/tools.ts';

export interface Cluster {
  readonly context: string;
  readonly namespace: string;
  /** kubectl in the context and namespace. */
  kubectl(args: readonly string[], options?: RunOptions): Promise<string>;
  /** GET of a path of the API; undefined when there is no such object. */
  read<T>(path: string): Promise<T | undefined>;
  close(): void;
}

const answerSeconds = 10;

/**
 * @param context undefined for the current one
 * @throws DeployError when there is none, it is not kind-* and not forced, or its cluster does not answer
 */
export async function openCluster(
  { context, namespace, force }: { context: string | undefined; namespace: string; force: boolean },
  stop?: AbortSignal,
): Promise<Cluster> {
  const name = context ?? (await currentContext(stop));
  if (!name.startsWith('kind-') && !force) {
    throw new DeployError(
      `The context ${name} is not kind-*, and this test puts load on it: --force takes it all the same`,
    );
  }
  const kubectl = (args: readonly string[], options?: RunOptions) =>
    run('kubectl', ['--context', name, '--namespace', namespace, ...args], options);
  await kubectl(['get', '--raw', '/readyz', `--request-timeout=${answerSeconds}s`], { stop }).catch(
    (error: unknown) => {
      if (!(error instanceof RunError)) throw error;
      throw new DeployError(
        `The cluster of the context ${name} does not answer (${lastLine(error.said)}): make cluster, or another --context`,
      );
    },
  );
  const proxy = await startProxy(name);
  return { context: name, namespace, kubectl, read: (path) => read(proxy.socket, path), close: proxy.close };
}

async function currentContext(stop: AbortSignal | undefined): Promise<string> {
  const text = await run('kubectl', ['config', 'current-context'], { stop }).catch((error: unknown) => {
    if (!(error instanceof RunError)) throw error;
    throw new DeployError('kubectl has no current context: make cluster, or --context NAME');
  });
  return text.trim();
}

/** kubectl does the authentication; a socket in a folder of our own admits nobody else. */
async function startProxy(context: string): Promise<{ socket: string; close(): void }> {
  const folder = mkdtempSync(join(tmpdir(), 'scale-test-'));
  const socket = join(folder, 'api');
  // In a session of its own: on Ctrl-C it is still needed for the way back.
  const child = spawn('kubectl', ['--context', context, 'proxy', `--unix-socket=${socket}`], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const close = () => {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  await new Promise<void>((resolve, reject) => {
    let said = '';
    createInterface({ input: child.stderr }).on('line', (line) => {
      said = line;
    });
    createInterface({ input: child.stdout }).once('line', () => resolve());
    child.once('error', reject);
    child.once('close', () => reject(new DeployError(`kubectl proxy ended: ${said}`)));
  }).catch((error: unknown) => {
    close();
    throw error;
  });
  return { socket, close };
}

function read<T>(socketPath: string, path: string): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, timeout: answerSeconds * 1000 }, async (answer) => {
      try {
        const text = Buffer.concat(await answer.toArray()).toString();
        if (answer.statusCode === 404) resolve(undefined);
        else if (answer.statusCode === 200) resolve(JSON.parse(text) as T);
        else reject(new DeployError(`The API server answered ${answer.statusCode} to ${path}: ${text.slice(0, 200)}`));
      } catch (error) {
        reject(error);
      }
    });
    asked.once('timeout', () => asked.destroy(new Error('no answer in time')));
    asked.once('error', ({ message }) => reject(new DeployError(`The API server did not answer ${path}: ${message}`)));
    asked.end();
  });
}
