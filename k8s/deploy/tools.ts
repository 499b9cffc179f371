// The programs that the commands need, and how to get each.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { DeployError } from './command.ts';
import { RunError, run } from './run.ts';

const howToGet = {
  docker: 'https://docs.docker.com/get-started/get-docker/',
  kind: 'brew install kind, or https://kind.sigs.k8s.io/docs/user/quick-start/#installation',
  kubectl: 'brew install kubectl, or https://kubernetes.io/docs/tasks/tools/',
  skaffold: 'brew install skaffold, or https://skaffold.dev/docs/install/; make deploy ENV=local works without it',
  aws: 'https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html',
};

export type Tool = keyof typeof howToGet;

function isOnPath(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return folder !== '';
    } catch {
      return false;
    }
  });
}

/** @throws DeployError naming each program that is missing, and how to get it */
export function insistOnTools(names: readonly Tool[]): void {
  const missing = names.filter((name) => !isOnPath(name));
  if (missing.length > 0) {
    throw new DeployError(missing.map((name) => `${name} is not on the PATH: ${howToGet[name]}`).join('\n'));
  }
}

/** @throws DeployError when the Docker daemon does not answer */
export async function insistOnDocker(stop: AbortSignal): Promise<void> {
  await run('docker', ['version', '--format', '{{.Server.Version}}'], { stop }).catch((error: unknown) => {
    if (!(error instanceof RunError)) throw error;
    throw new DeployError(`Docker does not answer; start Docker Desktop or dockerd: ${lastLine(error.said)}`);
  });
}

export const lastLine = (text: string) => text.trim().split('\n').at(-1) ?? '';
