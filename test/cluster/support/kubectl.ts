import { spawn } from 'node:child_process';

/**
 * Rejects with what kubectl said.
 *
 * @param timeoutMs ends it when it hangs: longer than any `--timeout` that it is given
 */
export function kubectl(args: readonly string[], input?: string, timeoutMs = 300_000): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('kubectl', [...args], { stdio: ['pipe', 'pipe', 'pipe'], timeout: timeoutMs });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(out);
      else reject(new Error(`kubectl ${args.join(' ')} ended with ${code ?? signal}: ${err || out}`));
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

export interface KubeObject {
  kind: string;
  metadata: {
    name: string;
    uid: string;
    namespace?: string;
    resourceVersion: string;
    generation?: number;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    deletionTimestamp?: string;
    ownerReferences?: { name: string; kind: string }[];
  };
}

export interface Pod extends KubeObject {
  spec: { nodeName?: string; readinessGates?: { conditionType: string }[] };
  status: {
    phase: string;
    podIP?: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: {
      name: string;
      ready: boolean;
      restartCount: number;
      state: Record<string, { reason?: string; message?: string }>;
      lastState?: Record<string, { reason?: string; exitCode?: number; message?: string; finishedAt?: string }>;
    }[];
  };
}

/** The items of a list, or the one object, as JSON. */
export async function get<T = KubeObject>(...args: string[]): Promise<T> {
  return JSON.parse(await kubectl(['get', ...args, '--output=json'])) as T;
}

export const isReady = ({ metadata, status }: Pod) =>
  metadata.deletionTimestamp === undefined &&
  (status.conditions ?? []).some(({ type, status: state }) => type === 'Ready' && state === 'True');

/** Rejects when there is a namespace of the developer's own, which the test would delete. */
export async function insistOnNone(namespace: string): Promise<void> {
  if ((await kubectl(['get', 'namespace', namespace, '--ignore-not-found'])) === '') return;
  throw new Error(
    `There is a namespace ${namespace}, which this test would delete with its data: make undeploy ENV=local`,
  );
}
