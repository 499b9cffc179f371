// Alarms on what stands before the service: load balancer and certificate.
import type { Facts } from '../facts.ts';
import { minute, ofCertificate } from '../metrics.ts';
import { type Alarm, dayInSeconds, type Insights } from '../model.ts';

const fiveMinutes = 5 * minute;

/**
 * The load balancer gets its id from its controller, and an alarm takes no SEARCH. A query over all load balancers of the account and
 * region is what is left: another one there counts, too.
 */
const ofLoadBalancers = (
  aggregate: Insights['aggregate'],
  name: string,
  periodSeconds: number,
  byTarget = false,
): { insights: Insights } => ({
  insights: {
    namespace: 'AWS/ApplicationELB',
    dimensions: byTarget ? ['LoadBalancer', 'TargetGroup'] : ['LoadBalancer'],
    name,
    aggregate,
    periodSeconds,
  },
});

const account = 'Of all load balancers of this account and region.';

const loadBalancer: readonly Alarm[] = [
  {
    name: 'load-balancer-5xx',
    severity: 'page',
    summary: `The load balancer itself answers 5xx: it has nobody to ask, or is cut off. ${account}`,
    runbook: 'Load balancer errors',
    measure: ofLoadBalancers('SUM', 'HTTPCode_ELB_5XX_Count', fiveMinutes),
    bad: 'from',
    threshold: 10,
    because: 'Single ones come of clients and of pods that are killed; ten in five minutes, twice, do not.',
    periods: { bad: 2, of: 3 },
    missing: 'notBreaching',
    missingBecause: 'Reported only when there is one.',
  },
  {
    name: 'service-5xx',
    severity: 'ticket',
    summary: `The load balancer gets 5xx from its targets. ${account}`,
    runbook: 'Error rate high',
    measure: ofLoadBalancers('SUM', 'HTTPCode_Target_5XX_Count', fiveMinutes),
    bad: 'from',
    threshold: 10,
    because:
      'What error-rate-high pages for, seen from outside: it holds when the log that the other is made of is lost. It knows no single status: 501 to a scanner and 503 of /load count here.',
    periods: { bad: 2, of: 3 },
    missing: 'notBreaching',
    missingBecause: 'Reported only when there is one.',
  },
  {
    name: 'healthy-hosts-low',
    severity: 'page',
    summary: `The load balancer sends to no pod: a target group has no healthy host. ${account}`,
    runbook: 'Service down',
    measure: ofLoadBalancers('MIN', 'HealthyHostCount', minute, true),
    bad: 'below',
    threshold: 1,
    because:
      'With none left every request is answered 503; that there are fewer than wanted is told of by replicas-low.',
    periods: { bad: 3, of: 3 },
    missing: 'breaching',
    missingBecause:
      'No load balancer with a target at all is an outage, too; this stack is made after the first deployment.',
  },
  {
    name: 'unhealthy-hosts',
    severity: 'ticket',
    summary: `The load balancer holds a pod for unhealthy. ${account}`,
    runbook: 'Load balancer errors',
    measure: ofLoadBalancers('MAX', 'UnHealthyHostCount', minute, true),
    bad: 'from',
    threshold: 1,
    because:
      'Kubernetes takes out a pod that fails its probe, and restarts one that hangs: a quarter of an hour is longer than either.',
    periods: { bad: 15, of: 15 },
    missing: 'notBreaching',
    missingBecause: 'No target is no unhealthy one; healthy-hosts-low tells of that.',
  },
];

const certificate = (arn: string): Alarm => ({
  name: 'certificate-expires',
  severity: 'ticket',
  summary: 'The certificate was not renewed.',
  runbook: 'Certificate expires',
  measure: { metric: ofCertificate(arn)('DaysToExpiry', 'Minimum', dayInSeconds) },
  bad: 'below',
  threshold: 30,
  because:
    'ACM renews 60 days before the end ("Managed certificate renewal"): after 30 days of trying somebody must look at the DNS record.',
  periods: { bad: 1, of: 1 },
  missing: 'ignore',
  missingBecause:
    'A new certificate reports after half a day at first, an expired one never again: both keep the state that they have.',
});

export const edgeAlarms = (facts: Facts): Alarm[] => [
  ...loadBalancer,
  ...(facts.certificateArn === undefined ? [] : [certificate(facts.certificateArn)]),
];
