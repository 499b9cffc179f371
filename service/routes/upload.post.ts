import * as z from 'zod';
import { Problem } from '../errors.ts';
import { type Exchange, route } from '../route.ts';
import type { UploadKey } from '../stores/upload-keys.ts';
import { openBody } from '../uploads/body.ts';

/** @throws Problem `invalid_input` */
function uploadKey({ message, caller }: Exchange): UploadKey | undefined {
  const key = message.headers['idempotency-key'];
  if (key === undefined || caller === undefined) return undefined;
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new Problem('invalid_input', undefined, {
      errors: [{ field: 'headers.idempotency-key', message: 'must be 1 to 255 visible ASCII characters' }],
    });
  }
  return { apiKeyId: caller.keyId, key };
}

export const upload = route({
  method: 'POST',
  path: '/upload',
  summary: 'Store a file',
  description:
    'Takes the field `file` of a multipart form, as its last field, or the raw body named by Content-Disposition. ' +
    'An Idempotency-Key makes it safe to send again: for 24 hours the same key and file get the first answer.',
  scope: 'files:write',
  rateLimit: 'key',
  streams: ['multipart/form-data', 'application/octet-stream', '*/*'],
  responses: {
    201: {
      description: 'Stored.',
      schema: z.strictObject({
        id: z.uuid(),
        name: z.string(),
        type: z.string().describe('Found from the first bytes; the declared type only refines it.'),
        size: z.number().int().describe('Bytes.'),
        sha256: z.string().describe('Hexadecimal.'),
        url: z.string().describe('Path of the file.'),
      }),
      headers: { Location: 'Path of the file.' },
    },
  },
  errors: [
    'length_required',
    'body_too_large',
    'unsupported_media_type',
    'invalid_multipart',
    'idempotency_in_progress',
    'idempotency_mismatch',
    'request_timeout',
    'objects_unavailable',
    'storage_full',
  ],
  async handle(_, { files }, exchange) {
    const key = uploadKey(exchange);
    const body = await openBody(exchange.message, exchange.signal);
    try {
      const { id, name, type, size, sha256 } = await files.upload(body, {
        signal: exchange.signal,
        traceparent: exchange.traceparent,
        uploadKey: key,
      });
      const url = `/files/${id}`;
      return { status: 201, body: { id, name, type, size, sha256, url }, headers: { Location: url } };
    } finally {
      body.close();
    }
  },
});
