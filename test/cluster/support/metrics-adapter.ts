// prometheus-adapter in the cluster, with the rules that the charts make, as the server of custom.metrics.k8s.io.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Manifest } from '../../../k8s/synth.ts';
import { onPath } from '../../../local/path.ts';
import { kubectl } from './kubectl.ts';

const program = 'prometheus-adapter';
const image = 'slipway-test-adapter:1';
const port = 6443;
const apiService = 'v1beta1.custom.metrics.k8s.io';
const labels = { app: program };

/** Path of the program; undefined when it is not on the PATH. */
export const findAdapter = () => onPath(program);

const run = (name: string, ...args: string[]) =>
  execFileSync(name, args, { encoding: 'utf8', stdio: 'pipe', timeout: 180_000 });

/** An image with nothing but the program, on the nodes. */
function loadImage(path: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'adapter-'));
  try {
    copyFileSync(path, join(folder, program));
    writeFileSync(join(folder, 'Dockerfile'), `FROM scratch\nCOPY ${program} /${program}\n`);
    run('docker', 'build', '--tag', image, folder);
    const cluster = run('kubectl', 'config', 'current-context')
      .trim()
      .replace(/^kind-/, '');
    run('kind', 'load', 'docker-image', image, '--name', cluster);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** By which the API server asks it: an API without a server keeps every namespace from ending. */
const apiOf = (namespace: string): object => ({
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: { name: apiService },
  spec: {
    service: { name: program, namespace },
    group: 'custom.metrics.k8s.io',
    version: 'v1beta1',
    insecureSkipTLSVerify: true,
    groupPriorityMinimum: 100,
    versionPriority: 100,
  },
});

/** What it may do: without these rights it ends as soon as it starts. */
function rightsOf(namespace: string): object[] {
  const name = `${namespace}-${program}`;
  const subjects = [{ kind: 'ServiceAccount', name: program, namespace }];
  const roleRef = (kind: string, of: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name: of });
  const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1' };
  return [
    {
      ...rbac,
      kind: 'ClusterRole',
      metadata: { name },
      rules: [{ apiGroups: [''], resources: ['namespaces', 'pods'], verbs: ['get', 'list', 'watch'] }],
    },
    { ...rbac, kind: 'ClusterRoleBinding', metadata: { name }, subjects, roleRef: roleRef('ClusterRole', name) },
    {
      ...rbac,
      kind: 'ClusterRoleBinding',
      metadata: { name: `${name}-delegator` },
      subjects,
      roleRef: roleRef('ClusterRole', 'system:auth-delegator'),
    },
    {
      ...rbac,
      kind: 'RoleBinding',
      metadata: { name, namespace: 'kube-system' },
      subjects,
      roleRef: roleRef('Role', 'extension-apiserver-authentication-reader'),
    },
  ];
}

const list = (items: readonly object[]) => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });

/** Also what a run that was cut has left behind. */
export async function removeAdapter(namespace: string): Promise<void> {
  const shared = [apiOf(namespace), ...rightsOf(namespace)];
  await kubectl(['delete', '--ignore-not-found', '--filename=-'], list(shared));
  await kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--wait=false']);
}

/**
 * Resolves when the API answers.
 *
 * @param rules the ConfigMap of the charts that holds them, whatever its namespace
 * @param prometheusUrl as pods reach it
 */
export async function startAdapter(
  path: string,
  namespace: string,
  rules: Manifest,
  prometheusUrl: string,
): Promise<void> {
  loadImage(path);
  const metadata = { name: program, namespace, labels };
  const args = [
    `--prometheus-url=${prometheusUrl}`,
    '--config=/rules/config.yaml',
    '--cert-dir=/certificates',
    `--secure-port=${port}`,
    '--metrics-relist-interval=15s',
  ];
  const container = {
    name: program,
    image,
    imagePullPolicy: 'IfNotPresent',
    command: [`/${program}`],
    args,
    ports: [{ containerPort: port }],
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 10_001,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'rules', mountPath: '/rules' },
      { name: 'certificates', mountPath: '/certificates' },
    ],
  };
  const volumes = [
    { name: 'rules', configMap: { name: rules.metadata.name } },
    { name: 'certificates', emptyDir: {} },
  ];
  const template = { metadata: { labels }, spec: { serviceAccountName: program, containers: [container], volumes } };
  await kubectl(
    ['apply', '--filename=-'],
    list([
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
      ...rightsOf(namespace),
      { ...rules, metadata: { ...rules.metadata, namespace } },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata,
        spec: { selector: labels, ports: [{ port: 443, targetPort: port }] },
      },
      { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { selector: { matchLabels: labels }, template } },
    ]),
  );
  await kubectl(['--namespace', namespace, 'rollout', 'status', `deployment/${program}`, '--timeout=90s']);
  await kubectl(['apply', '--filename=-'], list([apiOf(namespace)]));
  await kubectl(['wait', '--for=condition=Available', `apiservice/${apiService}`, '--timeout=60s']);
}
