// The API server, read without kubectl: a condition is looked at every second, and a kubectl costs a quarter of a core-second.
// `make scale-test`, which takes any context, reads through a `kubectl proxy` of its own.
import { execFileSync } from 'node:child_process';
import { Agent, request } from 'node:https';
import type { Pod } from './kubectl.ts';

interface Config {
  clusters: [{ cluster: { server: string; 'certificate-authority-data': string } }];
  users: [{ user: { 'client-certificate-data': string; 'client-key-data': string } }];
}

const answerMs = 10_000;
let server: { url: string; agent: Agent } | undefined;

/** As kind writes it: with certificates, not with a command that gets a token. */
function connection(): { url: string; agent: Agent } {
  const said = execFileSync('kubectl', ['config', 'view', '--raw', '--minify', '--output=json'], { encoding: 'utf8' });
  const { clusters, users } = JSON.parse(said) as Config;
  const [{ cluster }] = clusters;
  const [{ user }] = users;
  const decoded = (text: string) => Buffer.from(text, 'base64');
  const agent = new Agent({
    keepAlive: true,
    ca: decoded(cluster['certificate-authority-data']),
    cert: decoded(user['client-certificate-data']),
    key: decoded(user['client-key-data']),
  });
  return { url: cluster.server, agent };
}

/** GET of a path, parsed. @throws what the server answers otherwise than with 200, or when it does not within 10 s */
export async function read<T>(path: string): Promise<T> {
  server ??= connection();
  const { url, agent } = server;
  const { status, text } = await new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
    const asked = request(`${url}${path}`, { agent, signal: AbortSignal.timeout(answerMs) }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      answer.once('end', () => resolve({ status: answer.statusCode, text }));
      answer.once('error', reject);
    });
    asked.once('error', reject);
    asked.end();
  });
  if (status !== 200) throw new Error(`GET ${path}: ${status} ${text}`);
  return JSON.parse(text) as T;
}

/** Pods of a namespace, ending ones too. @param selector of labels; all */
export async function podsIn(namespace: string, selector = ''): Promise<Pod[]> {
  const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(selector)}`;
  return (await read<{ items: Pod[] }>(path)).items;
}

/** Pods of the service, or of whatever else has its constructs, ending ones too. */
export const webPodsIn = (namespace: string) => podsIn(namespace, 'app.kubernetes.io/component=web');

/** The HPA of a name. */
export const autoscalerIn = <T>(namespace: string, name: string) =>
  read<T>(`/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers/${name}`);
