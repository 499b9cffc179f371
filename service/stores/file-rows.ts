// The rows of files in PostgreSQL: pending before the object exists, visible while it does, pending again before it goes.
import type { Database, Queries } from '../database/database.ts';

/** A visible file. `sha256` is hexadecimal, `size` in bytes. */
export interface FileRow {
  id: string;
  name: string;
  type: string;
  size: number;
  sha256: string;
  created_at: Date;
}

const columns = 'id, name, type, size::float8 AS size, sha256, created_at';

export type FileContent = Pick<FileRow, 'name' | 'type' | 'size' | 'sha256'>;

export async function insertPending(database: Queries, id: string): Promise<void> {
  await database.query({ name: 'file-insert', text: 'INSERT INTO files (id) VALUES ($1)', values: [id] });
}

/** Makes a pending file visible; undefined when it is not pending any more. */
export async function completePending(
  database: Queries,
  id: string,
  { name, type, size, sha256 }: FileContent,
): Promise<FileRow | undefined> {
  const [row] = await database.query<FileRow>({
    name: 'file-complete',
    text: `UPDATE files SET name = $2, type = $3, size = $4, sha256 = $5, pending_since = NULL
           WHERE id = $1 AND pending_since IS NOT NULL RETURNING ${columns}`,
    values: [id, name, type, size, sha256],
  });
  return row;
}

/** Makes a file invisible; false when it was not visible. */
export async function hideFile(database: Queries, id: string): Promise<boolean> {
  const rows = await database.query({
    name: 'file-hide',
    text: 'UPDATE files SET pending_since = now() WHERE id = $1 AND pending_since IS NULL RETURNING id',
    values: [id],
  });
  return rows.length > 0;
}

/** Forgets a pending file, once its object is gone. */
export async function deletePending(database: Queries, id: string): Promise<void> {
  await database.query({
    name: 'file-delete',
    text: 'DELETE FROM files WHERE id = $1 AND pending_since IS NOT NULL',
    values: [id],
  });
}

/** From the writer: what one replica has just stored, the next one must find. */
export async function findFile(database: Queries, id: string): Promise<FileRow | undefined> {
  const [row] = await database.query<FileRow>({
    name: 'file-find',
    text: `SELECT ${columns} FROM files WHERE id = $1 AND pending_since IS NULL`,
    values: [id],
  });
  return row;
}

/** Newest first, from the reader. @param before id that the page starts after */
export function listFiles(database: Database, before: string | undefined, count: number): Promise<FileRow[]> {
  return database.read<FileRow>({
    name: before ? 'file-list-before' : 'file-list',
    text: `SELECT ${columns} FROM files WHERE pending_since IS NULL ${before ? 'AND id < $2' : ''} ORDER BY id DESC LIMIT $1`,
    values: before ? [count, before] : [count],
  });
}

/** Files that have been pending for too long for a request to be still at work on them, oldest first. */
export async function stalePending(database: Queries, olderThanSeconds: number, count: number): Promise<string[]> {
  const rows = await database.query<{ id: string }>({
    text: `SELECT id FROM files WHERE pending_since < now() - make_interval(secs => $1)
           ORDER BY pending_since LIMIT $2 FOR UPDATE`,
    values: [olderThanSeconds, count],
  });
  return rows.map(({ id }) => id);
}
