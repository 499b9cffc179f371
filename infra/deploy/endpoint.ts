// Whether the API server of a private endpoint can be reached from here, which no API of AWS says.
import { connect } from 'node:net';
import { clusterName } from '../../config/aws-names.ts';
import type { AwsEnvironment } from '../environment.ts';
import { ask } from './ask.ts';

const patienceMs = 5000;

/** @returns undefined when there is no cluster, or none that runs */
function apiServer(environment: AwsEnvironment): URL | undefined {
  const { ok, stdout, complaint } = ask(
    ...(['aws', 'eks', 'describe-cluster', '--name', clusterName(environment), '--region'] as const),
    ...[environment.region, '--query', 'cluster.[status,endpoint]', '--output', 'text'],
  );
  if (!ok && !complaint.includes('ResourceNotFoundException'))
    throw new Error(`aws eks describe-cluster: ${complaint}`);
  const [status = '', endpoint = ''] = stdout.split(/\s+/);
  return ['ACTIVE', 'UPDATING'].includes(status) && endpoint.startsWith('https:') ? new URL(endpoint) : undefined;
}

/** @returns what keeps a connection from being made */
function connectionFault({ hostname, port }: URL): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port || 443), timeout: patienceMs });
    socket.once('connect', () => resolve(undefined));
    socket.once('timeout', () => resolve(`no answer in ${patienceMs / 1000} s`));
    socket.once('error', ({ message }) => resolve(message));
    for (const end of ['connect', 'timeout'] as const) socket.once(end, () => socket.destroy());
  });
}

/** @returns undefined when it answers, when the endpoint is public, and while there is no cluster to ask */
export async function endpointFault(environment: AwsEnvironment): Promise<string | undefined> {
  const { endpoint, allowedCidrs } = environment.aws.cluster;
  const server = endpoint === 'private' ? apiServer(environment) : undefined;
  const fault = server && (await connectionFault(server));
  return (
    fault &&
    `The private API server ${server.host} does not answer from here (${fault}): this machine needs an address in aws.cluster.allowedCidrs ${allowedCidrs.join(', ')}, and routes there and back.`
  );
}
