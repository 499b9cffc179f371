// What keeps a load balancer, and the web ACL in front of it, from being deleted.
import { clusterName, loadBalancerName } from '../../config/aws-names.ts';
import type { AwsEnvironment } from '../environment.ts';
import { ask, insist } from './ask.ts';

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

const attributesAnnotation = 'alb.ingress.kubernetes.io/load-balancer-attributes';

/**
 * Says in the Ingress that its load balancer may be deleted. The controller reads it there: it refuses to let an Ingress go that still
 * protects its load balancer, and would switch the protection on again.
 */
export function releaseIngress(environment: AwsEnvironment): void {
  const kubectl = ['--context', clusterName(environment), '--namespace', environment.namespace];
  const ingress = ['ingress', environment.service.name];
  const path = `jsonpath={.metadata.annotations.${attributesAnnotation.replaceAll('.', '\\.')}}`;
  const attributes = insist('kubectl', ...kubectl, 'get', ...ingress, '--ignore-not-found', '--output', path);
  const released = attributes.replace('deletion_protection.enabled=true', 'deletion_protection.enabled=false');
  if (released !== attributes)
    insist('kubectl', ...kubectl, 'annotate', ...ingress, '--overwrite', `${attributesAnnotation}=${released}`);
}

/** Switches deletion protection off, where there is a load balancer: the controller may not have come to it. */
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
