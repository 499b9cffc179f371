import { App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { Construct } from 'constructs';
import { type AwsEnvironment, costTags } from './environment.ts';
import { acknowledge } from './policy/acknowledgements.ts';
import { completeHelpers } from './policy/helper-functions.ts';
import { allStacks, type StackName } from './stack-order.ts';
import type { EnvironmentStack } from './stacks/base.ts';
import { ClusterStack } from './stacks/cluster.ts';
import { DataStack } from './stacks/data.ts';
import { EdgeStack } from './stacks/edge.ts';
import { NetworkStack } from './stacks/network.ts';
import { ObservabilityStack } from './stacks/observability.ts';
import { OperationsStack } from './stacks/operations.ts';
import { RegistryStack } from './stacks/registry.ts';

const templateCheck = '@aws-cdk/core:validateAgainstDefaultRules';

/** Behaviour of the CDK that became better than its default after that was promised. Source: CDK guide, "Feature flags". */
const featureFlags = {
  '@aws-cdk/aws-ec2:restrictDefaultSecurityGroup': true,
  '@aws-cdk/aws-eks:useNativeOidcProvider': true,
  '@aws-cdk/aws-iam:minimizePolicies': true,
  '@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy': true,
  '@aws-cdk/core:enablePartitionLiterals': true,
  [templateCheck]: true,
  '@aws-cdk/core:target-partitions': ['aws'],
};

export interface AppOptions {
  /** Folder of the templates. @default cdk.out, or what the CDK's command line says */
  outdir?: string | undefined;
  /** Whether findings that have a reason are left out. @default true */
  acknowledged?: boolean;
  /** Whether cdk-nag looks at it, which takes about as long as the templates themselves. @default true */
  checked?: boolean;
  /** Hears of each environment that is begun. @default nobody does */
  progress?: (line: string) => void;
}

/** All stacks of these environments. */
export async function buildApp(
  environments: readonly AwsEnvironment[],
  { outdir, acknowledged = true, checked = true, progress }: AppOptions = {},
): Promise<App> {
  const app = new App({
    ...(outdir === undefined ? {} : { outdir }),
    context: checked ? featureFlags : { ...featureFlags, [templateCheck]: false },
    analyticsReporting: false,
  });
  addRegistries(app, environments);
  for (const environment of environments) {
    progress?.(`Making the stacks of ${environment.name} …`);
    await addEnvironment(app, environment, { acknowledged });
  }
  if (checked) Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  return app;
}

async function addEnvironment(
  app: App,
  environment: AwsEnvironment,
  options: { acknowledged: boolean },
): Promise<void> {
  const scope = new Construct(app, environment.name);
  const network = new NetworkStack(scope, environment);
  const operations = new OperationsStack(scope, environment);
  const data = new DataStack(scope, environment, network);
  const edge = new EdgeStack(scope, environment);
  const cluster = await ClusterStack.create(scope, environment, { network, data, topics: operations.topics });
  const observability = new ObservabilityStack(scope, environment, operations);
  if (options.acknowledged) acknowledge(scope, environment);
  // Its log groups are there before anything writes to them.
  cluster.addStackDependency(operations);
  // Both read a parameter of it, the id of the zone or the ARN of the certificate, which the CDK does not see.
  for (const reader of [cluster, observability]) reader.addStackDependency(edge);
  for (const watched of [operations, data, cluster]) observability.addStackDependency(watched);
  const stacks: Record<StackName, EnvironmentStack> = { network, operations, data, edge, cluster, observability };
  for (const stack of allStacks.map((name) => stacks[name])) {
    completeHelpers(stack, environment.aws.logDays, costTags(environment));
    for (const [key, value] of Object.entries(costTags(environment))) Tags.of(stack).add(key, value);
  }
}

/** One registry for all environments of an account and region. */
function addRegistries(app: App, environments: readonly AwsEnvironment[]): void {
  const made = new Set<string>();
  for (const { service, accountId, region } of environments) {
    if (made.has(`${accountId} ${region}`)) continue;
    made.add(`${accountId} ${region}`);
    const stack = new RegistryStack(app, { service, accountId, region });
    Tags.of(stack).add('service', service.name);
    Tags.of(stack).add('environment', 'all');
  }
}
