// Waits until the service answers at its load balancer.
import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterName } from '../../config/aws-names.ts';
import type { AwsEnvironment } from '../environment.ts';
import { type Answer, ask } from './ask.ts';

/** DNS of a new load balancer takes a few minutes. */
const healthPatienceMs = 600_000;
const pollMs = 5000;
/** Without one, AWS' core rule set refuses a request (NoUserAgent_HEADER), and Node sends none by itself. */
const userAgent = 'slipway-deploy';

/** Host name to ask, as standard output; empty while the Ingress has none. With a zone here, its records are part of what has to work. */
function askForHost(environment: AwsEnvironment): Answer {
  const { namespace, service, loadBalancer, aws } = environment;
  if (loadBalancer.domain !== undefined && aws.zone !== undefined)
    return { ok: true, stdout: loadBalancer.domain, complaint: '' };
  return ask(
    ...(['kubectl', '--context', clusterName(environment), '--namespace', namespace] as const),
    ...['get', 'ingress', service.name, '--output', 'jsonpath={.status.loadBalancer.ingress[0].hostname}'],
  );
}

/** Status of /health; where the name is not ours to point, the load balancer is asked as if it were. */
function health(host: string, domain: string | undefined, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(`http://${host}`);
    const headers = { 'user-agent': userAgent, ...(domain === undefined ? {} : { host: domain }) };
    const options = { hostname, path: '/health', headers, timeout: pollMs, signal, ...(port === '' ? {} : { port }) };
    const asked = domain === undefined ? request(options) : requestTls({ ...options, servername: domain });
    asked.once('response', (response) => {
      response.resume();
      resolve(response.statusCode as number);
    });
    asked.once('timeout', () => asked.destroy(new Error('no answer')));
    asked.once('error', reject);
    asked.end();
  });
}

export interface Patience {
  patienceMs: number;
  pollMs: number;
}

/**
 * @param stop ends the wait
 * @returns the address at which the service answers
 */
export async function awaitHealth(
  environment: AwsEnvironment,
  stop: AbortSignal,
  { patienceMs, pollMs: everyMs }: Patience = { patienceMs: healthPatienceMs, pollMs },
): Promise<string> {
  const { domain } = environment.loadBalancer;
  const end = Date.now() + patienceMs;
  for (
    let reason = 'the Ingress has no address: kubectl describe ingress';
    ;
    await sleep(everyMs, undefined, { signal: stop })
  ) {
    const { ok, stdout: host, complaint } = askForHost(environment);
    // A token that has just run out, or a moment without network, is no reason to give up.
    if (!ok) reason = `kubectl get ingress: ${complaint}`;
    else if (host !== '') {
      const address = domain === undefined ? `http://${host}` : `https://${domain}`;
      const answer = await health(host, domain, stop).catch((error: Error) => error.message);
      if (answer === 200) return address;
      reason = `${address}/health answers ${answer}`;
    }
    if (Date.now() >= end) throw new Error(`Not healthy after ${patienceMs / 60_000} minutes: ${reason}.`);
  }
}
