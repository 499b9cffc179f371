// The address of pods for clients outside the cluster: a Service of type NodePort, as clients of the local environment have it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { waitFor } from '../../support/wait.ts';
import { kubectl } from './kubectl.ts';

export interface PodAddress {
  /** Resolves with the ports on 127.0.0.1 when every pod is behind the address, and it answers. */
  answering(): Promise<{ port: number; metricsPort: number }>;
}

const withinMs = 60_000;

/**
 * Makes the Service; its port on the nodes is the cluster's choice. Metrics are closed to clients by policy, so they are read
 * inside the pods, those of all pods one after the other, when somebody asks.
 *
 * @param selector labels of the pods, and of the Service
 * @param ports of the container; one is called `metrics`
 */
export async function openAddress(
  namespace: string,
  name: string,
  selector: Record<string, string>,
  pods: readonly string[],
  ports: readonly { name: string; containerPort: number }[],
): Promise<PodAddress> {
  const inside = (...args: string[]) => kubectl(['--namespace', namespace, ...args]);
  const portOf = (wanted: string) => ports.find((port) => port.name === wanted)?.containerPort;
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name, labels: selector },
    spec: { type: 'NodePort', selector, ports: [{ port: 80, targetPort: portOf('http') }] },
  };
  const created = await kubectl(['create', '--filename=-', '--output=json'], JSON.stringify(service));
  const port = (JSON.parse(created) as { spec: { ports: [{ nodePort: number }] } }).spec.ports[0].nodePort;

  const script = `fetch('http://127.0.0.1:${portOf('metrics')}/metrics').then((answer) => answer.text()).then(console.log)`;
  const metrics = createServer(async (_, response) => {
    const texts = await Promise.all(pods.map((pod) => inside('exec', pod, '--', 'node', '-e', script)));
    response.end(texts.join(''));
  });
  await new Promise<void>((resolve) => metrics.listen(0, '127.0.0.1', resolve));

  return {
    async answering() {
      const slices = ['endpointslices', `--selector=kubernetes.io/service-name=${name}`];
      const behind = () => inside('get', ...slices, '--output=jsonpath={.items[*].endpoints[*].conditions.ready}');
      const all = pods.map(() => 'true').join(' ');
      await waitFor(`${pods.length} pods behind ${name}`, async () => (await behind()) === all, withinMs, 300);
      const live = () => fetch(`http://127.0.0.1:${port}/live`, { signal: AbortSignal.timeout(2000) });
      await waitFor(`an answer at the node port ${port}`, () => live().then(Boolean, () => false), withinMs, 100);
      return { port, metricsPort: (metrics.address() as AddressInfo).port };
    },
  };
}
