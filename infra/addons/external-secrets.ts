import { type ClusterAddOn, ExternalsSecretsAddOn } from '@aws-quickstart/eks-blueprints';
import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { charts } from './versions.ts';

/**
 * Keeps Secrets equal to entries of Secrets Manager, and may read those of one environment only.
 *
 * @param entries start of their names, such as slipway/production
 * @param key that they are encrypted with
 */
export const externalSecrets = (scope: Construct, entries: string, key: kms.IKey): ClusterAddOn =>
  new ExternalsSecretsAddOn({
    version: charts.externalSecrets,
    values: { replicaCount: 2 },
    iamPolicies: [
      new iam.PolicyStatement({
        actions: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
        resources: [
          Stack.of(scope).formatArn({
            service: 'secretsmanager',
            resource: 'secret',
            resourceName: `${entries}/*`,
            arnFormat: ArnFormat.COLON_RESOURCE_NAME,
          }),
        ],
      }),
      new iam.PolicyStatement({
        actions: ['kms:Decrypt'],
        resources: [key.keyArn],
        conditions: { StringEquals: { 'kms:ViaService': `secretsmanager.${Stack.of(scope).region}.amazonaws.com` } },
      }),
    ],
  });
