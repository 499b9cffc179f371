// Who is calling: the key in X-API-Key, checked against the scope of the route.

import type { Scope } from '../caller.ts';
import { Problem } from '../errors.ts';
import { type HttpExchange, header } from '../exchange.ts';
import type { Keys } from '../stores/keys.ts';
import type { Limits } from '../stores/limits.ts';

/** What a client without a valid key is told to send (RFC 9110, 11.6.1). */
const challenge = { 'WWW-Authenticate': 'ApiKey header="X-API-Key"' };

/**
 * Sets the caller of the exchange. Keys that have to be looked up count against the client's address before the look-up, so
 * that made-up ones do not reach the database without limit; so does a request without a valid key.
 * @throws Problem `key_missing`, `key_invalid`, `scope_missing`, `rate_limited`, `database_unavailable`
 */
export async function authenticate(exchange: HttpExchange, scope: Scope, keys: Keys, limits: Limits): Promise<void> {
  const presented = header(exchange.message, 'x-api-key');
  let counted = false;
  const count = () => {
    counted = true;
    return limits.take('address', exchange.client.address, exchange.noteRateLimit);
  };
  const caller = presented === undefined ? undefined : await keys.authenticate(presented, count);
  if (caller === undefined) {
    if (!counted) await count();
    throw new Problem(presented === undefined ? 'key_missing' : 'key_invalid', undefined, { headers: challenge });
  }
  exchange.caller = caller;
  if (!caller.scopes.includes(scope)) throw new Problem('scope_missing', `This route needs the scope ${scope}.`);
}
