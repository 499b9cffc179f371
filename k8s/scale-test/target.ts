// What is tested: the web Deployment of a namespace, its HPA, its address, and a key that may burn CPU there.
import { DeployError, say } from '../deploy/command.ts';
import type { Cluster } from './cluster.ts';
import { type Autoscaler, cpuMillis, type Deployment, type List, type Service } from './objects.ts';

export interface Target {
  deployment: string;
  /** Container whose CPU counts. */
  container: string;
  /** CPU request of that container, in thousandths of a core. */
  requestMillis: number;
  /** Selects its pods. */
  selector: string;
  /** Replicas wanted before the test. */
  replicas: number;
  autoscaler: Autoscaler | undefined;
}

export const paths = {
  deployments: (namespace: string) => `/apis/apps/v1/namespaces/${namespace}/deployments`,
  autoscalers: (namespace: string) => `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`,
  services: (namespace: string) => `/api/v1/namespaces/${namespace}/services`,
  podMetrics: (namespace: string) => `/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`,
};

const webLabel = 'app.kubernetes.io/component=web';
const asQuery = (selector: string) => `?labelSelector=${encodeURIComponent(selector)}`;

/** @throws DeployError when the metrics API or the Deployment is not there */
export async function findTarget({ read, context, namespace }: Cluster): Promise<Target> {
  if ((await read(paths.podMetrics(namespace)).catch(() => undefined)) === undefined) {
    throw new DeployError(`The cluster ${context} serves no metrics API: make cluster installs metrics-server`);
  }
  const found = await read<List<Deployment>>(`${paths.deployments(namespace)}${asQuery(webLabel)}`);
  const [deployment] = found?.items ?? [];
  if (deployment === undefined) {
    throw new DeployError(
      `The namespace ${namespace} of ${context} has no Deployment labelled ${webLabel}: make deploy, or another --namespace`,
    );
  }
  const { name } = deployment.metadata;
  const autoscalers = await read<List<Autoscaler>>(paths.autoscalers(namespace));
  const autoscaler = autoscalers?.items.find(({ spec }) => spec.scaleTargetRef.name === name);
  const { containers } = deployment.spec.template.spec;
  const container = containers.find((each) => each.name === name) ?? containers[0];
  const request = container?.resources?.requests?.cpu;
  if (container === undefined || request === undefined) {
    throw new DeployError(`The container of the Deployment ${name} requests no CPU, so no HPA can scale on it`);
  }
  const labels = Object.entries(deployment.spec.selector.matchLabels);
  return {
    deployment: name,
    container: container.name,
    requestMillis: cpuMillis(request),
    selector: labels.map(([key, value]) => `${key}=${value}`).join(','),
    replicas: deployment.spec.replicas,
    autoscaler,
  };
}

/** @throws DeployError when the address must be given, or the service does not answer there */
export async function findAddress({ read, context, namespace }: Cluster, given: string | undefined): Promise<string> {
  const url = given ?? (context.startsWith('kind-') ? await nodePortAddress(read, namespace) : undefined);
  if (url === undefined) {
    throw new DeployError(`How the service is reached from here is not known on ${context}: --url http://HOST[:PORT]`);
  }
  const status = await fetch(`${url}/health`, { signal: AbortSignal.timeout(10_000) }).then(
    (answer) => answer.status,
    (error: Error) => (error.cause instanceof Error ? error.cause.message : error.message),
  );
  if (status !== 200) throw new DeployError(`${url}/health does not answer 200 (${status}): another --url`);
  return url;
}

async function nodePortAddress(read: Cluster['read'], namespace: string): Promise<string | undefined> {
  const services = await read<List<Service>>(`${paths.services(namespace)}${asQuery(webLabel)}`);
  const port = services?.items
    .flatMap(({ spec }) => spec.ports)
    .find(({ nodePort }) => nodePort !== undefined)?.nodePort;
  return port === undefined ? undefined : `http://127.0.0.1:${port}`;
}

const answerSeconds = 10;
/** The way out of the pod, and the three requests that need it. */
const adminSeconds = 60;

/**
 * A key that may do nothing but the load, and ends by itself. It takes an admin key, made in a pod, which ends soon and is
 * revoked before; where it cannot be, that is said.
 *
 * @throws DeployError when the pod or the service refuses
 */
export async function makeKey(
  { kubectl }: Cluster,
  { deployment }: Target,
  url: string,
  seconds: number,
): Promise<string> {
  const made = await kubectl([
    'exec',
    `deployment/${deployment}`,
    '--',
    'node',
    '/app/main.js',
    'admin-key',
    '--name',
    'scale-test',
    '--expires-in',
    String(adminSeconds),
  ]);
  const admin = made.trim();
  // At the latest: it was made a moment ago.
  const adminEnds = new Date(Date.now() + adminSeconds * 1000).toISOString();
  const adminId = admin.split('_')[1];
  const ask = async (key: string, method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { 'X-API-Key': key, 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(answerSeconds * 1000),
    }).catch((error: Error) => {
      throw new DeployError(`The service at ${url} does not answer ${method} ${path}: ${error.message}`);
    });
    if (!answer.ok)
      throw new DeployError(`The service answered ${answer.status} to ${method} ${path}: ${await answer.text()}`);
    return answer;
  };
  const make = async (by: string, scope: string, lastsSeconds: number) => {
    const expiresAt = new Date(Date.now() + lastsSeconds * 1000).toISOString();
    const answer = await ask(by, 'POST', '/keys', { name: 'scale-test', scopes: [scope], expiresAt });
    return ((await answer.json()) as { key: string }).key;
  };
  // No key revokes itself: another one does it, which lasts for these two requests.
  const revoke = async () => {
    const brief = await make(admin, 'admin', 2 * answerSeconds);
    await ask(brief, 'DELETE', `/keys/${adminId}`);
  };
  try {
    return await make(admin, 'load', seconds);
  } finally {
    await revoke().catch((error: Error) => {
      say(`The admin key ${adminId} could not be revoked (${error.message}); it ends by itself at ${adminEnds}`);
    });
  }
}
