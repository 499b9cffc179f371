// Rows of files to be asked for.
import { Client } from 'pg';

/** @returns the paths of `count` new files, which are nowhere but in the database */
export async function insertFiles(url: string, count: number): Promise<string[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ path: string }>(
      `INSERT INTO files (id, pending_since, name, type, size, sha256)
       SELECT gen_random_uuid(), NULL, 'file-' || n, 'application/octet-stream', n, encode(sha256(n::text::bytea), 'hex')
       FROM generate_series(1, $1) AS n RETURNING '/files/' || id AS path`,
      [count],
    );
    await client.query('ANALYZE files');
    return rows.map(({ path }) => path);
  } finally {
    await client.end();
  }
}
