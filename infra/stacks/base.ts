import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { stackName } from '../../config/aws-names.ts';
import type { AwsEnvironment } from '../environment.ts';
import type { StackName } from '../stack-order.ts';

/** A stack of an environment: named after it, and with its zones instead of a look-up in the account. */
export class EnvironmentStack extends Stack {
  readonly #zones: string[];

  constructor(scope: Construct, name: StackName, environment: AwsEnvironment, description: string) {
    super(scope, name, {
      stackName: stackName(environment, name),
      env: { account: environment.accountId, region: environment.region },
      description,
      // The CDK switches it on before it makes anything: infra/deploy takes it off a stack whose making has failed.
      terminationProtection: environment.aws.protectData,
      analyticsReporting: false,
    });
    this.#zones = [...environment.aws.zones];
  }

  override get availabilityZones(): string[] {
    return this.#zones;
  }
}
