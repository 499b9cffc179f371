import { Problem } from '../errors.ts';
import { route } from '../route.ts';
import { keyRequest, newKeyView } from '../stores/key-schemas.ts';

export const createKey = route({
  method: 'POST',
  path: '/keys',
  summary: 'Make an API key',
  description:
    'The answer holds the key; it is not shown again. With `replaces` the new key takes over from another one, which expires after `overlapSeconds` (86400), or at its own time if that comes first.',
  scope: 'admin',
  rateLimit: 'key',
  body: keyRequest,
  responses: { 201: { description: 'Made.', schema: newKeyView } },
  async handle({ body }, { keys }, exchange) {
    if (body.overlapSeconds !== undefined && body.replaces === undefined) {
      const errors = [{ field: 'body.overlapSeconds', message: 'means nothing without `replaces`' }];
      throw new Problem('invalid_input', undefined, { errors });
    }
    const { id, key, name, scopes, createdAt, expiresAt } = await keys.create(body);
    exchange.log.info({
      event: 'key_created',
      target: id,
      scopes,
      replaces: body.replaces,
      keyId: exchange.caller?.keyId,
    });
    return { status: 201, body: { id, key, name, scopes, createdAt, expiresAt } };
  },
});
