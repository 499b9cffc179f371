// API keys: who may call what. Only a hash of the secret is kept.
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { Caller, Scope } from '../caller.ts';
import type { Database, Queries } from '../database/database.ts';
import { Problem } from '../errors.ts';
import { type CacheCounts, createCache } from './cache.ts';
import type { Invalidation } from './invalidation.ts';
import { hashSecret, newKey, parseKey, sameSecret } from './key-text.ts';
import { createLastUsed } from './last-used.ts';

/** A key as an administrator sees it; never with its secret or hash. Times are ISO 8601 in UTC. */
export interface KeyView {
  id: string;
  name: string;
  scopes: readonly Scope[];
  createdAt: string;
  /** Refused from then on; null: never. */
  expiresAt: string | null;
  revokedAt: string | null;
  /** Right to about a minute; null: never used. */
  lastUsedAt: string | null;
}

/** What is asked for with a new key. */
export interface KeyRequest {
  name: string;
  scopes: readonly Scope[];
  expiresAt?: Date | undefined;
  /** Id of the key that the new one takes over from: it expires after `overlapSeconds`. */
  replaces?: string | undefined;
  overlapSeconds?: number | undefined;
}

export interface Keys {
  /**
   * The caller that a presented key stands for; undefined if it is malformed, unknown, expired or revoked.
   * A revocation counts on every replica within `cacheMs`, whatever the state of Redis.
   *
   * @param beforeLookup called before an id that is not in memory is looked up; may refuse by rejecting
   * @throws Problem `database_unavailable` when neither memory nor the database can tell
   */
  authenticate(presented: string, beforeLookup?: () => Promise<void>): Promise<Caller | undefined>;
  /** Makes a key. `key` is the only copy of its secret. @throws Problem `invalid_input` when `replaces` is no valid key */
  create(request: KeyRequest): Promise<KeyView & { key: string }>;
  /** Newest first, at most `limit`, those older than the key `after`; undefined when there is no such key. */
  list(limit: number, after?: string): Promise<KeyView[] | undefined>;
  /** Revokes it for good; again is no error. False if there is no such key. */
  revoke(id: string): Promise<boolean>;
  counts(): CacheCounts;
  /** Writes what is still to be written; before the database closes. */
  close(): Promise<void>;
}

interface Row {
  id: string;
  name: string;
  scopes: Scope[];
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
  last_used_at: Date | null;
}

interface Kept {
  caller: Caller;
  hash: Buffer;
  validUntilMs: number;
}

/** Longest time for which a replica believes what it knows about a key; a revocation must count within 5 s. */
const cacheMs = 4000;
const maxCached = 10_000;
/** Unknown ids are kept apart, so that made-up ones cannot drive real ones out. */
const maxUnknown = 1000;
const defaultOverlapSeconds = 86_400;
const noHash = Buffer.alloc(32);
const columns = 'id, name, scopes, created_at, expires_at, revoked_at, last_used_at';

const view = (row: Row): KeyView => ({
  id: row.id,
  name: row.name,
  scopes: row.scopes,
  createdAt: row.created_at.toISOString(),
  expiresAt: row.expires_at?.toISOString() ?? null,
  revokedAt: row.revoked_at?.toISOString() ?? null,
  lastUsedAt: row.last_used_at?.toISOString() ?? null,
});

/** Ends the key that is taken over from. Its row stays locked, so that it cannot be replaced twice at once. */
async function expire(connection: Queries, id: string, overlapSeconds: number): Promise<void> {
  const rows = await connection.query({
    text: `UPDATE keys SET expires_at = least(expires_at, now() + make_interval(secs => $2))
      WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) RETURNING id`,
    values: [id, overlapSeconds],
  });
  if (rows.length === 0) {
    const errors = [{ field: 'body.replaces', message: 'is not the id of a valid key' }];
    throw new Problem('invalid_input', undefined, { errors });
  }
}

export function createKeys(options: { database: Database; invalidation: Invalidation; log: Logger }): Keys {
  const { database, invalidation, log } = options;
  const unknown = new LRUCache<string, true>({ max: maxUnknown, ttl: cacheMs });
  const cache = createCache<Kept>({ name: 'keys', max: maxCached, ttlMs: cacheMs, load, invalidation });
  const lastUsed = createLastUsed(database, log);

  // From the writer: a lagging reader would add its lag to the time that a revocation takes.
  async function load(id: string): Promise<Kept | undefined> {
    const [row] = await database.query<Row & { secret_sha256: Buffer }>({
      name: 'key-by-id',
      text: 'SELECT id, name, scopes, secret_sha256, expires_at FROM keys WHERE id = $1 AND revoked_at IS NULL',
      values: [id],
    });
    if (row === undefined) {
      unknown.set(id, true);
      return undefined;
    }
    return {
      caller: { keyId: row.id, name: row.name, scopes: row.scopes },
      hash: row.secret_sha256,
      validUntilMs: row.expires_at?.getTime() ?? Number.POSITIVE_INFINITY,
    };
  }

  return {
    async authenticate(presented, beforeLookup) {
      const parsed = parseKey(presented);
      if (parsed === undefined) return undefined;
      const isUnknown = unknown.has(parsed.id);
      if (!isUnknown && !cache.has(parsed.id)) await beforeLookup?.();
      const kept = isUnknown ? undefined : await cache.get(parsed.id);
      // Compared for unknown ids too, so that the time taken does not tell which ids exist.
      const same = sameSecret(parsed.secret, kept?.hash ?? noHash);
      if (kept === undefined || !same || Date.now() >= kept.validUntilMs) return undefined;
      lastUsed.note(parsed.id);
      return kept.caller;
    },

    async create({ name, scopes, expiresAt, replaces, overlapSeconds = defaultOverlapSeconds }) {
      const { id, secret, key } = newKey();
      const row = await database.transaction(async (connection) => {
        if (replaces !== undefined) await expire(connection, replaces, overlapSeconds);
        const rows = await connection.query<Row>({
          text: `INSERT INTO keys (id, name, secret_sha256, scopes, expires_at) VALUES ($1, $2, $3, $4, $5) RETURNING ${columns}`,
          values: [id, name, hashSecret(secret), scopes, expiresAt ?? null],
        });
        return rows[0] as Row;
      });
      if (replaces !== undefined) cache.drop(replaces);
      return { ...view(row), key };
    },

    async list(limit, after) {
      const rows = await database.query<Row>({
        text: `SELECT ${columns} FROM keys
          WHERE $2::text IS NULL OR (created_at, id) < (SELECT created_at, id FROM keys WHERE id = $2)
          ORDER BY created_at DESC, id DESC LIMIT $1`,
        values: [limit, after ?? null],
      });
      if (rows.length === 0 && after !== undefined) {
        const known = await database.query({ text: 'SELECT FROM keys WHERE id = $1', values: [after] });
        if (known.length === 0) return undefined;
      }
      return rows.map(view);
    },

    async revoke(id) {
      const rows = await database.query({
        text: 'UPDATE keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 RETURNING id',
        values: [id],
      });
      cache.drop(id);
      return rows.length > 0;
    },

    counts: () => cache.counts(),
    close: () => lastUsed.close(),
  };
}
