// What a key looks like on the wire, for the routes and the command that make, list and revoke keys.
import * as z from 'zod';
import { scopes } from '../caller.ts';

const maxOverlapSeconds = 604_800;

export const keyId = z.string().regex(/^[0-9A-Za-z]{12}$/, 'must be the id of a key: 12 letters and digits');

export const keyName = z
  .string()
  .refine((name) => name.isWellFormed() && !/\p{Cc}/u.test(name), 'must be text without control characters')
  .refine((name) => name.trim() !== '' && [...name].length <= 100, 'must have 1 to 100 characters');

/** Body of POST /keys. */
export const keyRequest = z.strictObject({
  name: keyName,
  scopes: z
    .array(z.enum(scopes, `must be one of ${scopes.join(', ')}`))
    .min(1, 'must name at least one scope')
    .refine((list) => new Set(list).size === list.length, 'must not name a scope twice'),
  expiresAt: z.iso
    .datetime({ offset: true, error: 'must be a time such as 2030-01-31T12:00:00Z' })
    .transform((text) => new Date(text))
    .refine((time) => time.getTime() > Date.now(), 'must lie in the future')
    .optional(),
  replaces: keyId.optional(),
  overlapSeconds: z
    .int('must be a whole number of seconds')
    .min(0, `must be from 0 to ${maxOverlapSeconds} seconds`)
    .max(maxOverlapSeconds, `must be from 0 to ${maxOverlapSeconds} seconds`)
    .optional(),
});

const time = z.iso.datetime();

/** A key as the list shows it. */
export const keyView = z.strictObject({
  id: keyId,
  name: z.string(),
  scopes: z.array(z.enum(scopes)),
  createdAt: time,
  expiresAt: time.nullable(),
  revokedAt: time.nullable(),
  lastUsedAt: time.nullable(),
});

/** A new key: the only answer that has the secret. */
export const newKeyView = keyView.omit({ revokedAt: true, lastUsedAt: true }).extend({ key: z.string() });
