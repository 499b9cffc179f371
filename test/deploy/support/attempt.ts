// make cluster, dev, deploy and undeploy with stand-ins for docker, kind, kubectl, skaffold and aws.
import { join } from 'node:path';
import { root, start } from './checkout.ts';
import { programs } from './fakes.ts';

const definitions = [
  'servicemonitors.monitoring.coreos.com',
  'prometheusrules.monitoring.coreos.com',
  'externalsecrets.external-secrets.io',
  'secretstores.external-secrets.io',
  'targetgroupbindings.elbv2.k8s.aws',
].map((name) => `customresourcedefinition.apiextensions.k8s.io/${name}`);

/** kubectl on a cluster that has everything; `cases` come first. */
export const kubectl = (context: string, cases = '') => `case "$*" in
${cases}
*"config current-context"*) echo '${context}' ;;
*version*) echo '{"serverVersion":{"minor":"35","gitVersion":"v1.35.0"}}' ;;
*"get apiservice"*) printf True ;;
*"get customresourcedefinitions"*) printf '%s\\n' ${definitions.join(' ')} ;;
*--output=json) echo '{"items":[]}' ;;
*"get deployments"*) printf 1 ;;
*"get namespace"*) ;;
*) echo "not expected: $*" >&2; exit 1 ;;
esac`;

const imageId = `sha256:${'0123456789ab'.padEnd(64, '0')}`;
/** docker that builds at once. */
const docker = `case "$1" in
build) printf '${imageId}' >"$3" ;;
image) printf '%s\\n' "$DIGESTS" ;;
esac`;
/** aws with a registry that has no such image yet. */
const aws = `case "$*" in *describe-images*) echo ImageNotFoundException >&2; exit 254 ;; *) printf password ;; esac`;
const silent = 'exit 0';
/** Every program that a command may want, each on its best day. */
export const all = { docker, kind: silent, kubectl: kubectl('kind-slipway'), skaffold: silent, aws };

export interface Run {
  command?: 'cluster' | 'dev' | 'deploy' | 'undeploy';
  args?: readonly string[];
  scripts?: Readonly<Record<string, string>>;
  env?: Readonly<Record<string, string>>;
  cwd?: string;
}

/** Runs a command with nothing on the PATH but these scripts; `calls` are those that it made of them. */
export async function attempt({ command = 'deploy', args = [], scripts = all, env = {}, cwd = root }: Run) {
  const fakes = programs(scripts);
  try {
    const script = join(cwd, 'k8s', 'deploy', `${command}.ts`);
    const { code, out, err } = await start(process.execPath, [script, ...args], {
      cwd,
      env: { FORCE: undefined, CONFIRM: undefined, ...env, PATH: fakes.dir },
    }).ended;
    return { code, out, err: err.trim(), calls: fakes.calls() };
  } finally {
    fakes.remove();
  }
}
