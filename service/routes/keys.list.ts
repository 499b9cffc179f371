import * as z from 'zod';
import { Problem } from '../errors.ts';
import { route } from '../route.ts';
import { keyId, keyView } from '../stores/key-schemas.ts';

const maxLimit = 100;

export const listKeys = route({
  method: 'GET',
  path: '/keys',
  summary: 'List API keys',
  description:
    'Newest first, revoked and expired ones too, never with their secrets. `next` is the cursor of the following page.',
  scope: 'admin',
  rateLimit: 'key',
  query: z.strictObject({
    limit: z
      .string()
      .regex(/^\d{1,3}$/, `must be a whole number from 1 to ${maxLimit}`)
      .transform(Number)
      .refine((limit) => limit >= 1 && limit <= maxLimit, `must be a whole number from 1 to ${maxLimit}`)
      .default(maxLimit),
    cursor: keyId.optional(),
  }),
  responses: {
    200: {
      description: 'One page.',
      schema: z.strictObject({ keys: z.array(keyView), next: z.string().nullable() }),
    },
  },
  async handle({ query: { limit, cursor } }, { keys }) {
    const found = await keys.list(limit + 1, cursor);
    if (found === undefined) {
      throw new Problem('invalid_input', undefined, {
        errors: [{ field: 'query.cursor', message: 'is not a cursor that this service gave' }],
      });
    }
    const page = found.slice(0, limit);
    return { status: 200, body: { keys: page, next: found.length > limit ? (page.at(-1)?.id ?? null) : null } };
  },
});
