import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import type { Severity } from '../../config/aws-names.ts';
import { PodIdentity, type PodIdentityProps } from './pod-identity.ts';

export interface AlertSenderProps extends PodIdentityProps {
  topics: Record<Severity, ITopic>;
}

/** What Alertmanager may do in AWS: send to the topics of the alarms. */
export class AlertSender extends PodIdentity {
  constructor(scope: Construct, id: string, { topics, ...pods }: AlertSenderProps) {
    super(scope, id, pods);
    const all = Object.values(topics);
    this.role.addToPolicy(
      new iam.PolicyStatement({ actions: ['sns:Publish'], resources: all.map(({ topicArn }) => topicArn) }),
    );
    this.role.addToPolicy(
      new iam.PolicyStatement({
        actions: ['kms:GenerateDataKey', 'kms:Decrypt'],
        resources: [...new Set(all.flatMap(({ masterKey }) => (masterKey ? [masterKey.keyArn] : [])))],
        conditions: { StringEquals: { 'kms:ViaService': `sns.${Stack.of(this).region}.amazonaws.com` } },
      }),
    );
  }
}
