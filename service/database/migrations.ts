// Where the migrations are and what they are called.
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Table that lists the migrations which have been applied. */
export const migrationsTable = 'pgmigrations';

const beside = join(import.meta.dirname, 'migrations');

/** Folder of the SQL files: beside the bundle, or in the sources. */
export const migrationsDir = existsSync(beside) ? beside : join(import.meta.dirname, '..', 'migrations');

/** Names of the migrations that this version brings, oldest first, as the table has them. */
export async function migrationNames(): Promise<string[]> {
  const files = await readdir(migrationsDir);
  return files
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length))
    .sort();
}
