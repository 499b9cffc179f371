// Objects in an S3 bucket. The SDK builds, signs and parses; transport.ts moves the bytes. Loaded only where S3 is used.

import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Problem } from '../../errors.ts';
import type { Settings } from '../../settings.ts';
import { type CheckedBody, checkedBody } from './checked-body.ts';
import { partsOf } from './parts.ts';
import type { ByteRange, ObjectStore, PutOptions } from './store.ts';
import { createTransport, type TransportOptions } from './transport.ts';

type S3Settings = Pick<Settings, 'S3_ENDPOINT' | 'S3_REGION'> & { S3_BUCKET: string };

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

/** Nothing under this key. A missing bucket also answers 404, and is a fault. */
function isMissing(error: unknown): boolean {
  return ['NoSuchKey', 'NoSuchUpload'].includes((error as Error).name);
}

/** What the caller sees: a reason to abort and an error of the body come through as they are. */
function translate(error: unknown, signal?: AbortSignal, body?: CheckedBody): unknown {
  if (body?.failure) return body.failure.error;
  if (signal?.aborted) return signal.reason;
  if (statusOf(error) === 507 || (error as Error).name === 'QuotaExceeded') {
    return new Problem('storage_full', undefined, { cause: error });
  }
  return new Problem('objects_unavailable', undefined, { cause: error });
}

/** The SDK would print to the console. What fails is thrown, and logged by whoever handles it. */
const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/**
 * Credentials come from the SDK's default chain: environment, Pod Identity, profile.
 *
 * @param traceparent W3C trace context of the moment, sent along with each request; without it that of `put`
 */
export function createS3Store(settings: S3Settings, traceparent?: () => string | undefined): ObjectStore {
  const Bucket = settings.S3_BUCKET;
  const transport = createTransport(traceparent);
  const client = new S3Client({
    region: settings.S3_REGION,
    ...(settings.S3_ENDPOINT ? { endpoint: settings.S3_ENDPOINT, forcePathStyle: true } : {}),
    requestHandler: transport,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    // A stream cannot be sent twice, and the client of the service is the one who retries.
    maxAttempts: 1,
    logger: silent,
  });

  /** The SDK hands a stream on to the transport untouched, and that needs no more than its chunks. */
  const asBody = (chunks: AsyncIterable<Uint8Array>) => chunks as unknown as Readable;

  async function putWhole(Key: string, chunks: AsyncIterable<Uint8Array>, length: number, options: TransportOptions) {
    await client.send(new PutObjectCommand({ Bucket, Key, Body: asBody(chunks), ContentLength: length }), options);
  }

  async function abort(Key: string, UploadId: string): Promise<void> {
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  }

  async function putParts(Key: string, body: CheckedBody, options: TransportOptions): Promise<void> {
    const parts = partsOf(body.chunks);
    let uploadId: string | undefined;
    let sending: Promise<CompletedPart> | undefined;
    const done: CompletedPart[] = [];
    try {
      for await (const { bytes, last } of parts) {
        if (last && !uploadId) {
          await client.send(
            new PutObjectCommand({
              Bucket,
              Key,
              Body: asBody(Readable.from([bytes])),
              ContentLength: bytes.length,
            }),
            options,
          );
          return;
        }
        uploadId ??= (await client.send(new CreateMultipartUploadCommand({ Bucket, Key }), options)).UploadId;
        if (sending) done.push(await sending);
        const PartNumber = done.length + 1;
        sending = client
          .send(
            new UploadPartCommand({
              Bucket,
              Key,
              UploadId: uploadId,
              PartNumber,
              Body: asBody(Readable.from([bytes])),
              ContentLength: bytes.length,
            }),
            options,
          )
          .then(({ ETag }) => ({ ETag, PartNumber }));
        sending.catch(() => undefined); // awaited above or below, or given up by an earlier error
      }
      if (sending) done.push(await sending);
      await client.send(
        new CompleteMultipartUploadCommand({ Bucket, Key, UploadId: uploadId, MultipartUpload: { Parts: done } }),
        options,
      );
    } catch (error) {
      await sending?.catch(() => undefined);
      if (uploadId) await abort(Key, uploadId).catch(() => undefined); // `remove` finds what this could not take away
      throw error;
    }
  }

  return {
    async put(key: string, body: AsyncIterable<Uint8Array>, { length, signal, traceparent }: PutOptions) {
      const options = { abortSignal: signal, ...(traceparent ? { traceparent } : {}) };
      const checked = checkedBody(body, length);
      try {
        signal.throwIfAborted();
        if (length === undefined) await putParts(key, checked, options);
        else await putWhole(key, checked.chunks, length, options);
      } catch (error) {
        throw translate(error, signal, checked);
      }
    },

    async get(Key: string, range: ByteRange | undefined, signal: AbortSignal) {
      try {
        const Range = range && `bytes=${range.start}-${range.end}`;
        const answer = await client.send(new GetObjectCommand({ Bucket, Key, ...(Range ? { Range } : {}) }), {
          abortSignal: signal,
        });
        return answer.Body instanceof Readable ? answer.Body : undefined;
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw translate(error, signal);
      }
    },

    async remove(Key: string) {
      try {
        await client.send(new DeleteObjectCommand({ Bucket, Key }));
        const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: Key }));
        for (const upload of Uploads) if (upload.Key === Key && upload.UploadId) await abort(Key, upload.UploadId);
      } catch (error) {
        if (!isMissing(error)) throw translate(error);
      }
    },

    async ping(signal: AbortSignal) {
      await client.send(new HeadBucketCommand({ Bucket }), { abortSignal: signal });
    },

    async close() {
      transport.destroy();
    },
  };
}
