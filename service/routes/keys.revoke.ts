import * as z from 'zod';
import { Problem } from '../errors.ts';
import { route } from '../route.ts';
import { keyId } from '../stores/key-schemas.ts';

export const revokeKey = route({
  method: 'DELETE',
  path: '/keys/:id',
  summary: 'Revoke an API key',
  description:
    'For good, on every replica within 5 s; again is no error. The key of the request itself cannot be revoked, so that one administrator always remains.',
  scope: 'admin',
  rateLimit: 'key',
  params: z.strictObject({ id: keyId }),
  responses: { 204: { description: 'Revoked.' } },
  errors: ['not_found'],
  async handle({ params: { id } }, { keys }, exchange) {
    if (id === exchange.caller?.keyId) {
      throw new Problem('invalid_input', undefined, {
        errors: [{ field: 'params.id', message: 'is the key of this request: revoke it with another one' }],
      });
    }
    if (!(await keys.revoke(id))) throw new Problem('not_found', 'There is no key with this id.');
    exchange.log.info({ event: 'key_revoked', target: id, keyId: exchange.caller?.keyId });
    return { status: 204 };
  },
});
