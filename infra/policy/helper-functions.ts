// The CDK brings Lambda functions of its own, for what CloudFormation lacks. They would keep their logs for ever, and some have no tags.
import { CfnResource, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import * as logs from 'aws-cdk-lib/aws-logs';

type Tags = Readonly<Record<string, string>>;
const listed = (tags: Tags) => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
/** Types that the CDK leaves without tags, and how each takes them. */
const untaggedTypes: Readonly<Record<string, (tags: Tags) => unknown>> = {
  'AWS::Lambda::Function': listed,
  'AWS::IAM::Role': listed,
  'AWS::SSM::Parameter': (tags) => tags,
};

/** Gives each function of the stack that has none a log group with this retention, and tags to what the CDK leaves without. */
export function completeHelpers(stack: Stack, days: number, tags: Tags): void {
  const resources = stack.node.findAll().filter(CfnResource.isCfnResource);
  for (const resource of resources) {
    // Made of plain properties, as only the CDK's own helpers are.
    const written = resource.constructor === CfnResource ? untaggedTypes[resource.cfnResourceType] : undefined;
    if (written !== undefined) resource.addPropertyOverride('Tags', written(tags));
    if (resource.cfnResourceType !== 'AWS::Lambda::Function' || hasLogGroup(resource)) continue;
    const group = new logs.LogGroup(resource, 'log', { retention: days, removalPolicy: RemovalPolicy.DESTROY });
    resource.addPropertyOverride('LoggingConfig.LogGroup', group.logGroupName);
  }
}

function hasLogGroup(resource: CfnResource): boolean {
  const { loggingConfig } = resource as CfnResource & { loggingConfig?: { logGroup?: string } };
  return loggingConfig?.logGroup !== undefined;
}
