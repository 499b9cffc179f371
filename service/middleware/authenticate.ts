// Who is calling: the key in X-API-Key, checked against the scope of the route.

import type { Scope } from '../caller.ts';
import { Problem } from '../errors.ts';
import { type HttpExchange, header } from '../exchange.ts';
import type { Keys } from '../stores/keys.ts';
import type { Limits } from '../stores/limits.ts';

/**
 * Sets the caller of the exchange. Wrong keys count against the client's address.
 * @throws Problem `key_missing`, `key_invalid`, `scope_missing`, `rate_limited`, `database_unavailable`
 */
export async function authenticate(exchange: HttpExchange, scope: Scope, keys: Keys, limits: Limits): Promise<void> {
  const presented = header(exchange.message, 'x-api-key');
  const caller = presented === undefined ? undefined : await keys.authenticate(presented);
  if (caller === undefined) {
    await limits.take('address', exchange.client.address, exchange.noteRateLimit);
    throw new Problem(presented === undefined ? 'key_missing' : 'key_invalid');
  }
  exchange.caller = caller;
  if (!caller.scopes.includes(scope)) throw new Problem('scope_missing', `This route needs the scope ${scope}.`);
}
