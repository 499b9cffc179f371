// Steps of a deployment that are more than one command.
import { request } from 'node:http';
import { request as requestTls } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterName, loadBalancerName } from '../../config/aws-names.ts';
import type { AwsEnvironment } from '../environment.ts';
import { ask, insist } from './ask.ts';

/** DNS of a new load balancer takes a few minutes. */
const healthPatienceMs = 600_000;
const pollMs = 5000;

/** @returns host name of the load balancer; empty while the Ingress has none */
const loadBalancerHost = (environment: AwsEnvironment): string =>
  insist(
    ...(['kubectl', '--context', clusterName(environment), '--namespace', environment.namespace] as const),
    ...['get', 'ingress', environment.service.name],
    ...['--output', 'jsonpath={.status.loadBalancer.ingress[0].hostname}'],
  );

/** Status of /health; where the name is not ours to point, the load balancer is asked as if it were. */
function health(host: string, domain: string | undefined, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(`http://${host}`);
    const options = { hostname, path: '/health', timeout: pollMs, signal, ...(port === '' ? {} : { port }) };
    const asked =
      domain === undefined
        ? request(options)
        : requestTls({ ...options, servername: domain, headers: { host: domain } });
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
  // With a zone here, its records are part of what has to work.
  const named = domain !== undefined && environment.aws.zone !== undefined;
  const end = Date.now() + patienceMs;
  for (
    let reason = 'the Ingress has no address: kubectl describe ingress';
    ;
    await sleep(everyMs, undefined, { signal: stop })
  ) {
    const host = named ? domain : loadBalancerHost(environment);
    if (host !== '') {
      const address = domain === undefined ? `http://${host}` : `https://${domain}`;
      const answer = await health(host, domain, stop).catch((error: Error) => error.message);
      if (answer === 200) return address;
      reason = `${address}/health answers ${answer}`;
    }
    if (Date.now() >= end) throw new Error(`Not healthy after ${patienceMs / 60_000} minutes: ${reason}.`);
  }
}

/** @returns undefined when there is none */
function loadBalancerArn(environment: AwsEnvironment): string | undefined {
  const { ok, stdout, complaint } = ask(
    ...(['aws', 'elbv2', 'describe-load-balancers', '--names', loadBalancerName(environment)] as const),
    ...['--region', environment.region, '--query', 'LoadBalancers[0].LoadBalancerArn', '--output', 'text'],
  );
  if (ok) return stdout;
  if (complaint.includes('LoadBalancerNotFound')) return undefined;
  throw new Error(`aws elbv2 describe-load-balancers: ${complaint}`);
}

/** Switches deletion protection off, where there is a load balancer. */
export function releaseLoadBalancer(environment: AwsEnvironment): void {
  const arn = loadBalancerArn(environment);
  if (arn === undefined) return;
  insist(
    ...(['aws', 'elbv2', 'modify-load-balancer-attributes', '--load-balancer-arn', arn] as const),
    ...['--region', environment.region, '--attributes', 'Key=deletion_protection.enabled,Value=false'],
  );
}

/** A web ACL that is in use cannot be deleted, and the stack would forget it. */
export function detachWebAcl(environment: AwsEnvironment): void {
  const arn = loadBalancerArn(environment);
  if (arn === undefined) return;
  insist('aws', 'wafv2', 'disassociate-web-acl', '--resource-arn', arn, '--region', environment.region);
}

/** What Spot needs in an account that never used it; Karpenter has no right to make it. */
export const spotRole = {
  name: 'AWSServiceRoleForEC2Spot',
  command: ['aws', 'iam', 'create-service-linked-role', '--aws-service-name', 'spot.amazonaws.com'],
} as const;

/** @returns whether there was none */
export function makeSpotRole(): boolean {
  if (ask('aws', 'iam', 'get-role', '--role-name', spotRole.name).ok) return false;
  const { ok, complaint } = ask(...spotRole.command);
  // Who may not read roles hears of it only now.
  if (!ok && !complaint.includes('has been taken')) throw new Error(`${spotRole.command.join(' ')}: ${complaint}`);
  return ok;
}
