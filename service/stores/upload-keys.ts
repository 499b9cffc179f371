// Idempotency keys of uploads: of two with the same key only one runs, and a later one gets the first one's answer.
import type { Queries } from '../database/database.ts';
import { Problem } from '../errors.ts';

/** The Idempotency-Key of a request and the API key it came with. */
export interface UploadKey {
  apiKeyId: string;
  key: string;
}

export const keepSeconds = 24 * 60 * 60;

/** How often a claim that was released in the same moment is tried again. */
const attempts = 3;

/**
 * Claims a key for an upload.
 *
 * @param fileId of the upload that claims it
 * @param staleSeconds a claim without an answer that is older was left by a crash and is taken over
 * @returns the answer of the first upload, or undefined when the key is now claimed
 * @throws Problem `idempotency_in_progress`
 */
export async function claimKey<Answer extends object>(
  database: Queries,
  { apiKeyId, key }: UploadKey,
  fileId: string,
  staleSeconds: number,
): Promise<Answer | undefined> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const claimed = await database.query({
      text: `INSERT INTO upload_keys AS held (api_key_id, key, file_id) VALUES ($1, $2, $3)
             ON CONFLICT (api_key_id, key) DO UPDATE SET file_id = excluded.file_id, claimed_at = now(), answer = NULL
             WHERE held.claimed_at < now() - make_interval(secs => CASE WHEN held.answer IS NULL THEN $4::float8 ELSE $5::float8 END)
             RETURNING file_id`,
      values: [apiKeyId, key, fileId, staleSeconds, keepSeconds],
    });
    if (claimed.length > 0) return undefined;
    const [held] = await database.query<{ answer: Answer | null }>({
      text: 'SELECT answer FROM upload_keys WHERE api_key_id = $1 AND key = $2',
      values: [apiKeyId, key],
    });
    if (held?.answer) return held.answer;
    if (held) break;
  }
  throw new Problem('idempotency_in_progress');
}

/** Keeps the answer for later requests with the key; with the same transaction as the file, or not at all. */
export async function answerKey(
  database: Queries,
  fileId: string,
  { apiKeyId, key }: UploadKey,
  answer: object,
): Promise<void> {
  await database.query({
    text: 'UPDATE upload_keys SET answer = $4 WHERE api_key_id = $1 AND key = $2 AND file_id = $3',
    values: [apiKeyId, key, fileId, JSON.stringify(answer)],
  });
}

/** Frees the key of an upload that failed, unless another one has taken it over. */
export async function releaseKey(database: Queries, fileId: string, { apiKeyId, key }: UploadKey): Promise<void> {
  await database.query({
    text: 'DELETE FROM upload_keys WHERE api_key_id = $1 AND key = $2 AND file_id = $3',
    values: [apiKeyId, key, fileId],
  });
}

/** Forgets answers that are past their time, and claims that a crash has left. */
export async function deleteStaleKeys(database: Queries, staleSeconds: number): Promise<void> {
  await database.query({
    text: `DELETE FROM upload_keys WHERE claimed_at < now() - make_interval(secs => $1)
           AND (answer IS NULL OR claimed_at < now() - make_interval(secs => $2))`,
    values: [staleSeconds, keepSeconds],
  });
}
