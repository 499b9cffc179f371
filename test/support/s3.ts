// Buckets on the shared S3 server.
import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { SharedServers } from './shared-servers.ts';

export function s3Client({ endpoint, accessKey, secretKey }: NonNullable<SharedServers['s3']>): S3Client {
  return new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
}

/** @returns the name of a new empty bucket */
export async function createBucket(server: NonNullable<SharedServers['s3']>): Promise<string> {
  const client = s3Client(server);
  const bucket = `test-${randomBytes(8).toString('hex')}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  return bucket;
}
