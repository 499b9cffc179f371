import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ecr from 'aws-cdk-lib/aws-ecr';
import type { Construct } from 'constructs';
import { registryStackName } from '../../config/aws-names.ts';
import type { AwsEnvironment } from '../environment.ts';

const untaggedDays = 7;

/** The repository of the service's image: one for all environments of an account, so that what was tested is what is released. */
export class RegistryStack extends Stack {
  /** @param environment one of those of its account and region */
  constructor(
    scope: Construct,
    { service, accountId, region }: Pick<AwsEnvironment, 'service' | 'accountId' | 'region'>,
  ) {
    super(scope, `registry-${region}`, {
      stackName: registryStackName({ service }),
      env: { account: accountId, region },
      description: 'Image repository of all environments',
      terminationProtection: true,
      analyticsReporting: false,
    });
    new ecr.Repository(this, 'repository', {
      repositoryName: service.name,
      imageTagMutability: ecr.TagMutability.IMMUTABLE,
      imageScanOnPush: true,
      encryption: ecr.RepositoryEncryption.KMS,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      // Images with a tag never expire: the registry knows neither which of them runs nor which one a rollback needs, and
      // production may be older than any number of images of staging. Tags do not move, so what runs has one; parts of an
      // image for several platforms have none, and ECR keeps them as long as the whole.
      lifecycleRules: [
        {
          rulePriority: 1,
          description: 'What was pushed and never tagged',
          tagStatus: ecr.TagStatus.UNTAGGED,
          maxImageAge: Duration.days(untaggedDays),
        },
      ],
    });
  }
}
