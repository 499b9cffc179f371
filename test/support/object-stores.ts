// The two object stores as the contract suite sees them: the adapter, and a look at what really lies in the store.
import { readdirSync } from 'node:fs';
import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { openObjects } from '../../service/stores/objects/open.ts';
import type { ObjectStore } from '../../service/stores/objects/store.ts';
import { createBucket, s3Client } from './s3.ts';
import type { SharedServers } from './shared-servers.ts';

export interface StoreUnderTest {
  store: ObjectStore;
  /** Keys of objects, transfers in progress and parts, all of them. */
  contents(): Promise<string[]>;
}

export async function diskUnderTest(path: string): Promise<StoreUnderTest> {
  return {
    store: await openObjects({ OBJECTS_DIR: path, S3_REGION: 'unused' }),
    contents: async () =>
      readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => name),
  };
}

export async function s3UnderTest(server: NonNullable<SharedServers['s3']>): Promise<StoreUnderTest> {
  const Bucket = await createBucket(server);
  const client = s3Client(server);
  // The adapter takes its credentials from the SDK's default chain.
  process.env.AWS_ACCESS_KEY_ID = server.accessKey;
  process.env.AWS_SECRET_ACCESS_KEY = server.secretKey;
  return {
    store: await openObjects({ S3_BUCKET: Bucket, S3_ENDPOINT: server.endpoint, S3_REGION: 'us-east-1' }),
    async contents() {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }));
      return [...Contents, ...Uploads].map(({ Key }) => `${Key}`);
    },
  };
}
