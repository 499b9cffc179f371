// Who calls with a key, and what keys may be allowed to do.

/** What a key may be allowed to do. */
export const scopes = ['files:read', 'files:write', 'load', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/** Who sent the request, once the key has been checked. */
export interface Caller {
  keyId: string;
  name: string;
  scopes: readonly Scope[];
}
