// Files: a row in PostgreSQL and an object in the store, kept in step.
import type { Readable } from 'node:stream';
import type { Logger } from 'pino';
import type { Database } from '../database/database.ts';
import { Problem } from '../errors.ts';
import type { Settings } from '../settings.ts';
import type { UploadBody } from '../uploads/body.ts';
import { meter } from '../uploads/meter.ts';
import { contentType } from '../uploads/types.ts';
import { type CacheCounts, createCache } from './cache.ts';
import { newFileId } from './file-ids.ts';
import {
  completePending,
  deletePending,
  type FileContent,
  type FileRow,
  findFile,
  hideFile,
  insertPending,
  listFiles,
} from './file-rows.ts';
import type { Invalidation } from './invalidation.ts';
import type { ByteRange, ObjectStore } from './objects/store.ts';
import { staleSeconds } from './sweeper.ts';
import { answerKey, claimKey, releaseKey, type UploadKey } from './upload-keys.ts';

export type { FileRow };

/** What an upload is answered, and answered again under its Idempotency-Key. */
export type StoredFile = FileContent & { id: string };

export interface UploadOptions {
  signal: AbortSignal;
  traceparent: string | undefined;
  /** Given when the request has an Idempotency-Key. */
  uploadKey: UploadKey | undefined;
}

export interface Files {
  /**
   * Stores a file with bounded memory. A failed or aborted upload leaves nothing that can be seen,
   * and what could not be removed at once goes with the sweeper.
   *
   * @throws Problem `body_too_large`, `invalid_multipart`, `storage_full`, `objects_unavailable`, `database_unavailable`,
   * `idempotency_in_progress`, `idempotency_mismatch`; the signal's reason
   */
  upload(body: UploadBody, options: UploadOptions): Promise<StoredFile>;
  /** Newest first. @param before id that the page starts after */
  list(before: string | undefined, count: number): Promise<FileRow[]>;
  /** From the cache, else the writer: what one replica has just stored, the next one must find. */
  find(id: string): Promise<FileRow | undefined>;
  /** The content. Undefined when it has just been deleted. @throws Problem `objects_unavailable` */
  open(id: string, range: ByteRange | undefined, signal: AbortSignal): Promise<Readable | undefined>;
  /** Hides the file, then removes object and row; what fails after the hiding is the sweeper's. False when there is no such file. */
  remove(id: string): Promise<boolean>;
  counts(): CacheCounts;
}

/** Rows never change while they are visible, so the age only bounds how long a deleted file is still announced without Redis. */
const cacheMs = 5000;
const cacheEntries = 10_000;

export interface FileParts {
  database: Database;
  objects: ObjectStore;
  invalidation: Invalidation;
  settings: Pick<Settings, 'MAX_UPLOAD_BYTES' | 'LONGEST_REQUEST_SECONDS'>;
  log: Logger;
}

export function createFiles({ database, objects, invalidation, settings, log }: FileParts): Files {
  const { MAX_UPLOAD_BYTES: maxBytes } = settings;
  const cache = createCache<FileRow>({
    name: 'files',
    max: cacheEntries,
    ttlMs: cacheMs,
    invalidation,
    load: (id) => findFile(database, id),
  });

  /** Reads the body and tells what it is. */
  async function describe(
    body: UploadBody,
    use: (bytes: AsyncIterable<Uint8Array>) => Promise<void>,
  ): Promise<FileContent> {
    if (body.length !== undefined && body.length > maxBytes) {
      throw new Problem('body_too_large', `A file may have ${maxBytes} bytes.`);
    }
    const metered = meter(body.bytes, maxBytes);
    await use(metered.bytes);
    const { size, sha256, start } = metered.result();
    return { name: body.name, type: contentType(start, body.declaredType), size, sha256 };
  }

  /** Answers a repeated upload: its body is read, but not stored. */
  async function repeat(body: UploadBody, first: StoredFile): Promise<StoredFile> {
    const again = await describe(body, async (bytes) => {
      for await (const _ of bytes);
    });
    if (again.sha256 !== first.sha256 || again.name !== first.name || again.type !== first.type) {
      throw new Problem('idempotency_mismatch');
    }
    return first;
  }

  async function store(
    id: string,
    body: UploadBody,
    { signal, traceparent, uploadKey }: UploadOptions,
  ): Promise<StoredFile> {
    const content = await describe(body, async (bytes) => {
      await insertPending(database, id);
      await objects.put(id, bytes, {
        signal,
        ...(body.length === undefined ? {} : { length: body.length }),
        ...(traceparent === undefined ? {} : { traceparent }),
      });
    });
    const stored = { id, ...content };
    await database.transaction(async (connection) => {
      const row = await completePending(connection, id, content);
      if (row === undefined) throw new Error('the row is not pending any more');
      if (uploadKey) await answerKey(connection, id, uploadKey, stored);
    });
    return stored;
  }

  /** Takes away what a failed upload has left. Hides the row first: a commit may have succeeded though its answer was lost. */
  async function giveUp(id: string, error: unknown, uploadKey: UploadKey | undefined): Promise<void> {
    try {
      if (uploadKey) await releaseKey(database, id, uploadKey);
      await hideFile(database, id);
      // A store that does not answer would only hold up the client's answer: the sweeper comes back to it.
      if (error instanceof Problem && error.code === 'objects_unavailable') return;
      await objects.remove(id);
      await deletePending(database, id);
    } catch (cause) {
      log.warn({ event: 'upload_left_to_sweeper', fileId: id, error: cause });
    }
  }

  return {
    async upload(body, options) {
      const id = newFileId();
      const { uploadKey } = options;
      if (uploadKey) {
        const first = await claimKey<StoredFile>(database, uploadKey, id, staleSeconds(settings)).catch(
          async (error: unknown) => {
            // The claim may have succeeded though its answer was lost.
            if (!(error instanceof Problem && error.code === 'idempotency_in_progress')) {
              await releaseKey(database, id, uploadKey).catch(() => undefined);
            }
            throw error;
          },
        );
        if (first !== undefined) return repeat(body, first);
      }
      try {
        return await store(id, body, options);
      } catch (error) {
        await giveUp(id, error, uploadKey);
        throw error;
      }
    },

    list: (before, count) => listFiles(database, before, count),

    find: (id) => cache.get(id),

    open: (id, range, signal) => objects.get(id, range, signal),

    async remove(id) {
      if (!(await hideFile(database, id))) return false;
      cache.drop(id);
      try {
        await objects.remove(id);
        await deletePending(database, id);
      } catch (error) {
        log.warn({ event: 'delete_left_to_sweeper', fileId: id, error });
      }
      return true;
    },

    counts: () => cache.counts(),
  };
}
