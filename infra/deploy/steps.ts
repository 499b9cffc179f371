// What a deployment does, and what taking it down does, as data: each step is printed before it is run.
import { clusterName, loadBalancerName, prefix, registryStackName, stackName } from '../../config/aws-names.ts';
import { periodDays } from '../../observability/rules/objectives.ts';
import type { AwsEnvironment } from '../environment.ts';
import { keptStacks, type StackName, stackOrder, watching } from '../stack-order.ts';
import type { Thing } from './presence.ts';
import { spotRole } from './spot-role.ts';

/** What the program does itself: run.ts calls each from the file that is about it. */
export type Action =
  | {
      action:
        | 'awaitHealth'
        | 'releaseIngress'
        | 'releaseLoadBalancer'
        | 'detachWebAcl'
        | 'insistOnApiServer'
        | 'insistOnDatabase';
    }
  /** With the command that it may come to. */
  | { action: 'makeSpotRole'; shown: readonly string[] }
  | { action: 'clearFailedCreation'; stack: string };

export type Step = {
  title: string;
  /** Left out without them, so that a command can be repeated, and half an environment be taken down. */
  needs?: readonly Thing[];
  /** What CloudFormation works on during the step, and goes on with when the step is stopped. */
  stack?: string;
} & ({ command: readonly string[] } | Action);

/** Where the templates are. */
export const assembly = '.cache/cdk.out';

const cdk = (...args: readonly string[]) => ['node_modules/.bin/cdk', ...args, '--app', assembly, '--no-notices'];
const writeTemplates: Step = { title: 'Write the templates', command: ['local/node', 'infra/main.ts', assembly] };

function reachCluster(environment: AwsEnvironment): Step & { command: readonly string[] } {
  const cluster = clusterName(environment);
  return {
    title: 'Reach the cluster',
    command: ['aws', 'eks', 'update-kubeconfig', '--name', cluster, '--alias', cluster, '--region', environment.region],
  };
}

/**
 * @param id of the stack in the templates
 * @param isProtected against being deleted, also when its first creation has failed
 */
const make = (full: string, id: string, isProtected: boolean): Step[] => [
  ...(isProtected
    ? [
        {
          title: `Make way for ${full}, if its first creation has failed before`,
          action: 'clearFailedCreation' as const,
          stack: full,
        },
      ]
    : []),
  { title: `Make ${full}`, command: cdk('deploy', id, '--exclusively', '--require-approval', 'never'), stack: full },
];

const unmake = (environment: AwsEnvironment, stack: StackName): Step => ({
  title: `Delete ${stackName(environment, stack)}`,
  command: cdk('destroy', `${environment.name}/${stack}`, '--exclusively', '--force'),
  stack: stackName(environment, stack),
});

export function deploySteps(environment: AwsEnvironment): Step[] {
  const { name, accountId, region, aws, loadBalancer } = environment;
  const makeOwn = (stack: StackName, isProtected: boolean) =>
    make(stackName(environment, stack), `${name}/${stack}`, isProtected);
  return [
    writeTemplates,
    {
      title: 'Prepare the account for the CDK, if it is not',
      command: ['node_modules/.bin/cdk', 'bootstrap', `aws://${accountId}/${region}`, '--no-notices'],
    },
    {
      title: 'Make the role that Spot needs, if the account has none',
      action: 'makeSpotRole',
      shown: spotRole.command,
    },
    ...make(registryStackName(environment), `registry-${region}`, true),
    ...stackOrder.flatMap((stack): Step[] => [
      ...(stack === 'edge' && !loadBalancer.webAcl
        ? [
            {
              title: `Detach the web ACL from ${loadBalancerName(environment)}: there is to be none`,
              action: 'detachWebAcl' as const,
            },
          ]
        : []),
      ...makeOwn(stack, aws.protectData),
      ...(stack === 'data'
        ? [{ title: 'See whether the database works with its parameters', action: 'insistOnDatabase' as const }]
        : []),
    ]),
    ...(aws.cluster.endpoint === 'private'
      ? [{ title: 'See whether the private API server answers here', action: 'insistOnApiServer' as const }]
      : []),
    reachCluster(environment),
    {
      title: 'Build and push the image, write config/images.json and charts-out, apply, and wait for the pods',
      command: ['local/node', 'k8s/deploy/deploy.ts', name],
    },
    { title: 'Ask the load balancer for /health', action: 'awaitHealth' },
    // It holds nothing, and is never protected.
    ...makeOwn(watching, false),
  ];
}

export function destroySteps(environment: AwsEnvironment): Step[] {
  const { region, aws, namespace, monitoringNamespace } = environment;
  const cluster = clusterName(environment);
  const needs = [{ cluster, region }];
  const withKind = (kind: string) => [...needs, { kind, context: cluster }];
  const kubectl = (...args: readonly string[]) => ['kubectl', '--context', cluster, ...args];
  const remove = (...args: readonly string[]) => kubectl('delete', ...args, '--all', '--wait');
  const gone = [...stackOrder].reverse().filter((stack) => !aws.protectData || !keptStacks.includes(stack));
  return [
    writeTemplates,
    unmake(environment, watching),
    { ...reachCluster(environment), needs },
    { title: 'Let the Ingress be deleted', action: 'releaseIngress', needs },
    { title: `Let ${loadBalancerName(environment)} be deleted`, action: 'releaseLoadBalancer' },
    {
      title: 'Delete the Ingress, and with it the load balancer: a VPC that holds one cannot be deleted',
      command: remove('ingress', '--namespace', namespace, '--timeout=10m'),
      needs,
    },
    {
      title: 'Delete the pods',
      command: remove('deployment,job', '--namespace', namespace, '--timeout=10m'),
      needs,
    },
    {
      title: 'Delete the nodes that Karpenter has made: no stack knows them',
      command: remove('nodepools.karpenter.sh', '--timeout=15m'),
      needs: withKind('nodepools.karpenter.sh'),
    },
    {
      title: 'Wait until they are gone: without Karpenter, which goes with the cluster, their machines would run on',
      command: remove('nodeclaims.karpenter.sh', '--timeout=15m'),
      needs: withKind('nodeclaims.karpenter.sh'),
    },
    {
      title: 'Stop Prometheus, which holds a volume',
      command: remove('prometheus', '--namespace', monitoringNamespace, '--timeout=5m'),
      needs: withKind('prometheuses.monitoring.coreos.com'),
    },
    {
      title: `Delete its volume, and with it the metrics of the last ${periodDays} days`,
      command: remove('pvc', '--namespace', monitoringNamespace, '--timeout=5m'),
      needs,
    },
    {
      title: 'Wait until the disks of all volumes are gone: without the driver, which goes next, they would stay',
      command: kubectl('wait', '--for=delete', 'pv', '--all', '--timeout=5m'),
      needs,
    },
    ...gone.flatMap((stack): Step[] => {
      const full = stackName(environment, stack);
      return [
        ...(aws.protectData
          ? [
              {
                title: `Let ${full} be deleted`,
                command: [
                  ...['aws', 'cloudformation', 'update-termination-protection', '--no-enable-termination-protection'],
                  ...['--stack-name', full, '--region', region],
                ],
                needs: [{ stack: full, region }],
              },
            ]
          : []),
        unmake(environment, stack),
      ];
    }),
  ];
}

/** What stays after a destroy, and costs money. */
export function retained(environment: AwsEnvironment): string[] {
  const { aws, service } = environment;
  const stays = (stack: (typeof keptStacks)[number]) => `(stack ${stackName(environment, stack)})`;
  return [
    `the image repository ${service.name}, which all environments share (stack ${registryStackName(environment)})`,
    'the CDK’s own bucket, repository and roles, which all CDK applications of the account share (stack CDKToolkit)',
    ...(aws.zone !== undefined && aws.zone.id === undefined
      ? [
          `the hosted zone ${aws.zone.name} with its records: before the next deployment put its id into aws.zone.id, or delete it`,
        ]
      : []),
    ...(aws.protectData
      ? [
          `database, Redis, buckets, secrets and keys ${stays('data')}`,
          `their network, NAT gateways included ${stays('network')}`,
          `web ACL and certificate ${stays('edge')}`,
          `log groups of ${prefix(environment)}, and the topics of the alarms ${stays('operations')}`,
        ]
      : []),
    `log groups that AWS has made by itself: aws logs describe-log-groups --log-group-name-pattern ${prefix(environment)} --region ${environment.region}`,
  ];
}
