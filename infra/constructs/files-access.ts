import { Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';

export interface Files {
  bucketName: string;
  /** That the bucket is encrypted with. */
  key: kms.IKey;
}

/** Lets a role have the files of the service: all that its pods may do in AWS. */
export function allowFiles(role: iam.Role, { bucketName, key }: Files): void {
  role.addToPolicy(
    new iam.PolicyStatement({
      actions: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'],
      resources: [`arn:aws:s3:::${bucketName}/*`],
    }),
  );
  // Without it a missing object reads as forbidden.
  role.addToPolicy(new iam.PolicyStatement({ actions: ['s3:ListBucket'], resources: [`arn:aws:s3:::${bucketName}`] }));
  role.addToPolicy(
    new iam.PolicyStatement({
      actions: ['kms:GenerateDataKey', 'kms:Decrypt'],
      resources: [key.keyArn],
      conditions: { StringEquals: { 'kms:ViaService': `s3.${Stack.of(role).region}.amazonaws.com` } },
    }),
  );
}
