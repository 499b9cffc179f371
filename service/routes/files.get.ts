import * as z from 'zod';
import { checkConditions, rangeApplies } from '../downloads/conditions.ts';
import { parseRange } from '../downloads/range.ts';
import { Problem } from '../errors.ts';
import { route } from '../route.ts';
import type { FileRow } from '../stores/files.ts';
import { formatDisposition } from '../uploads/disposition.ts';
import { mayBeInline } from '../uploads/types.ts';

export const fileParams = z.strictObject({ id: z.uuid('must be the id of a file').toLowerCase() });

function headersOf({ name, type, created_at }: FileRow, etag: string, cacheSeconds: number): Record<string, string> {
  return {
    ETag: etag,
    'Last-Modified': created_at.toUTCString(),
    // A CDN keeps one copy per key, so that it never answers who has none.
    'Cache-Control': `public, max-age=${cacheSeconds}, must-revalidate`,
    Vary: 'X-API-Key',
    'Accept-Ranges': 'bytes',
    'Content-Type': type.startsWith('text/') ? `${type}; charset=utf-8` : type,
    'Content-Disposition': formatDisposition(mayBeInline(type) ? 'inline' : 'attachment', name),
  };
}

export const getFile = route({
  method: 'GET',
  path: '/files/:id',
  summary: 'Download a file',
  description:
    'Answers one Range, and conditional requests by ETag (the SHA-256) and date. Types that could run scripts are attachments.',
  scope: 'files:read',
  rateLimit: 'key',
  params: fileParams,
  responses: {
    200: { description: 'The file.', headers: { ETag: 'SHA-256 of the file.' } },
    206: { description: 'The range asked for.', headers: { 'Content-Range': 'Where it lies in the file.' } },
    304: { description: 'The client has this version.' },
  },
  errors: ['not_found', 'precondition_failed', 'range_not_satisfiable', 'objects_unavailable'],
  async handle({ params: { id } }, { files, settings }, { message, signal }) {
    const row = await files.find(id);
    if (row === undefined) throw new Problem('not_found');
    const { size } = row;
    const validators = { etag: `"${row.sha256}"`, modified: row.created_at };
    const headers = headersOf(row, validators.etag, settings.DOWNLOAD_CACHE_SECONDS);
    const verdict = checkConditions(message.headers, validators);
    if (verdict === 'failed') throw new Problem('precondition_failed');
    if (verdict === 'not-modified') {
      const { 'Content-Type': _, 'Content-Disposition': __, ...rest } = headers;
      return { status: 304, headers: rest };
    }
    if (message.method === 'HEAD') return { status: 200, headers: { ...headers, 'Content-Length': `${size}` } };
    const wanted = rangeApplies(message.headers['if-range'] as string | undefined, validators)
      ? message.headers.range
      : undefined;
    const range = parseRange(wanted, size);
    if (range === 'unsatisfiable') {
      throw new Problem('range_not_satisfiable', undefined, { headers: { 'Content-Range': `bytes */${size}` } });
    }
    const stream = await files.open(id, range, signal);
    if (stream === undefined) throw new Problem('not_found');
    if (range === undefined) return { status: 200, stream, headers: { ...headers, 'Content-Length': `${size}` } };
    const { start, end } = range;
    return {
      status: 206,
      stream,
      headers: { ...headers, 'Content-Length': `${end - start + 1}`, 'Content-Range': `bytes ${start}-${end}/${size}` },
    };
  },
});
