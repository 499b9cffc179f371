// Sessions in Redis: each call is one atomic round trip, the rate limit of the client's address included.
import { randomFillSync } from 'node:crypto';
import { Problem } from '../errors.ts';
import type { Settings } from '../settings.ts';
import { type Limits, type RateLimitState, settle } from './limits.ts';
import type { LimitAnswer, ScriptedRedis, SessionAnswer } from './scripts.ts';

/** 18 bytes: 144 bits, 24 characters of base64url. */
const idBytes = 18;
const pool = Buffer.allocUnsafe(idBytes * 128);
let used = pool.length;

/** A fresh opaque id. Random bytes are drawn for many ids at a time, and each is used once. */
export function freshSessionId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const id = pool.toString('base64url', used, used + idBytes);
  used += idBytes;
  return id;
}

export interface Session {
  views: number;
  user: string | null;
  /** The session's id when it is new or has changed: the client must be told. */
  newId?: string;
}

/** Who asks: the id from the cookie (undefined: none), the address that is counted, and where the limit's state goes. */
export interface SessionRequest {
  id: string | undefined;
  address: string;
  note: (state: RateLimitState) => void;
}

export interface Sessions {
  /** Counts a view; starts a session when there is none under that id. @throws Problem `rate_limited`, `sessions_unavailable` */
  view(request: SessionRequest): Promise<Session>;
  /** Names the user under a new id and keeps the views. @throws Problem `rate_limited`, `sessions_unavailable` */
  name(request: SessionRequest, user: string): Promise<Session>;
  /** Forgets the session, if there is one. @throws Problem `rate_limited`, `sessions_unavailable` */
  forget(request: SessionRequest): Promise<void>;
}

export function createSessions(
  redis: ScriptedRedis,
  limits: Limits,
  settings: Pick<Settings, 'SESSION_TTL_SECONDS' | 'REDIS_PREFIX'>,
): Sessions {
  const prefix = `{${settings.REDIS_PREFIX}}:session:`;
  const ttlMs = settings.SESSION_TTL_SECONDS * 1000;
  const limit = limits.limit('address');

  async function ask<Answer extends LimitAnswer | SessionAnswer>(
    request: SessionRequest,
    script: (limitKey: string) => Promise<Answer>,
  ): Promise<Answer> {
    let answer: Answer;
    try {
      answer = await script(limits.key('address', request.address));
    } catch (cause) {
      throw new Problem('sessions_unavailable', undefined, { cause });
    }
    settle(limit, answer, request.note);
    return answer;
  }

  const session = ([, , views, user, fresh]: SessionAnswer, freshId: string): Session => ({
    views,
    user: user === '' ? null : user,
    ...(fresh === 1 ? { newId: freshId } : {}),
  });

  return {
    async view(request) {
      const freshId = freshSessionId();
      const answer = await ask(request, (limitKey) =>
        redis.slipwayView(
          limitKey,
          prefix + (request.id ?? freshId),
          prefix + freshId,
          limit.interval,
          limit.burst,
          ttlMs,
        ),
      );
      return session(answer as SessionAnswer, freshId);
    },
    async name(request, user) {
      const freshId = freshSessionId();
      const answer = await ask(request, (limitKey) =>
        redis.slipwayName(
          limitKey,
          prefix + (request.id ?? freshSessionId()),
          prefix + freshId,
          limit.interval,
          limit.burst,
          ttlMs,
          user,
        ),
      );
      return session(answer as SessionAnswer, freshId);
    },
    async forget(request) {
      await ask(request, (limitKey) =>
        redis.slipwayForget(limitKey, prefix + (request.id ?? freshSessionId()), limit.interval, limit.burst),
      );
    },
  };
}
