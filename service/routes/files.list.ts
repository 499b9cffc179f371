import * as z from 'zod';
import { route } from '../route.ts';
import { cursorOf, idOfCursor } from '../stores/file-ids.ts';

const limitFault = 'must be a whole number from 1 to 100';

const query = z.strictObject({
  cursor: z
    .string()
    .refine((cursor) => idOfCursor(cursor) !== undefined, 'is not a cursor of this list')
    .transform((cursor) => idOfCursor(cursor))
    .optional()
    .describe('`next` of the page before.'),
  limit: z
    .string()
    .regex(/^\d{1,3}$/, limitFault)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= 100, limitFault)
    .default(20)
    .describe('Most files on the page.'),
});

export const listFiles = route({
  method: 'GET',
  path: '/files',
  summary: 'List files',
  description:
    'Newest first. A file may appear up to a second late: the list is read from the replica of the database.',
  scope: 'files:read',
  rateLimit: 'key',
  query,
  responses: {
    200: {
      description: 'One page.',
      schema: z.strictObject({
        files: z.array(
          z.strictObject({
            id: z.uuid(),
            name: z.string(),
            type: z.string(),
            size: z.number().int(),
            sha256: z.string(),
            url: z.string(),
            createdAt: z.iso.datetime(),
          }),
        ),
        next: z.string().nullable().describe('Cursor of the next page; null on the last.'),
      }),
    },
  },
  async handle({ query: { cursor, limit } }, { files }) {
    const rows = await files.list(cursor, limit + 1);
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      status: 200,
      body: {
        files: page.map(({ id, name, type, size, sha256, created_at }) => ({
          id,
          name,
          type,
          size,
          sha256,
          url: `/files/${id}`,
          createdAt: created_at.toISOString(),
        })),
        next: rows.length > limit && last ? cursorOf(last.id) : null,
      },
    };
  },
});
