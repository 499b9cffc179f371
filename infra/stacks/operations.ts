import { RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as subscriptions from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import { alarmTopicName, clusterLogGroups, prefix, type Severity } from '../../config/aws-names.ts';
import type { AwsEnvironment } from '../environment.ts';
import { EnvironmentStack } from './base.ts';

/** Where logs of the cluster go, made before those that write them so that none is kept for ever; and who is told of alarms. */
export class OperationsStack extends EnvironmentStack {
  /** Who is told of alarms, and of their end. */
  readonly topics: Record<Severity, sns.Topic>;

  constructor(scope: Construct, environment: AwsEnvironment) {
    super(scope, 'operations', environment, 'Log groups of the cluster, topics of the alarms');
    const { aws, accountId } = environment;
    for (const [id, logGroupName] of Object.entries(clusterLogGroups(environment))) {
      new logs.LogGroup(this, id, {
        logGroupName,
        retention: aws.logDays,
        removalPolicy: aws.protectData ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
      });
    }
    const principals = [new iam.ServicePrincipal('cloudwatch.amazonaws.com')];
    const fromThisAccount = { StringEquals: { 'aws:SourceAccount': accountId } };
    const key = new kms.Key(this, 'key', {
      alias: `${prefix(environment)}-alarms`,
      description: 'Alarms on their way',
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    key.addToResourcePolicy(
      new iam.PolicyStatement({
        principals,
        actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        resources: ['*'],
        conditions: fromThisAccount,
      }),
    );
    const topicOf = (severity: Severity) => {
      const topic = new sns.Topic(this, severity, {
        topicName: alarmTopicName(environment, severity),
        displayName: `${prefix(environment)}: ${severity}`,
        masterKey: key,
        enforceSSL: true,
      });
      topic.addToResourcePolicy(
        new iam.PolicyStatement({
          principals,
          actions: ['sns:Publish'],
          resources: [topic.topicArn],
          conditions: fromThisAccount,
        }),
      );
      for (const address of aws.alertEmails) topic.addSubscription(new subscriptions.EmailSubscription(address));
      return topic;
    };
    this.topics = { page: topicOf('page'), ticket: topicOf('ticket') };
  }
}
