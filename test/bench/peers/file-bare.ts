// HEAD /files/:id on bare node:http: the key is checked from memory and the row read with the service's own statement.
// CACHE=1 puts the service's own cache before it, LIMIT=1 counts the request in Redis with the service's own script.
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import type { Queries } from '../../../service/database/database.ts';
import { createCache } from '../../../service/stores/cache.ts';
import { findFile } from '../../../service/stores/file-rows.ts';
import { limitOf } from '../../../service/stores/limits.ts';
import { withScripts } from '../../../service/stores/scripts.ts';

const { PORT, POSTGRES_URL, REDIS_URL = '', API_KEY = '', CACHE, LIMIT } = process.env;
const pool = new Pool({ connectionString: POSTGRES_URL, max: 10 });
const queries: Queries = {
  query: async <Row extends object>(statement: Parameters<Queries['query']>[0]) =>
    (await pool.query<Row>({ ...statement, values: statement.values as unknown[] })).rows,
};
const cache = createCache({
  name: 'files',
  max: 10_000,
  ttlMs: 5000,
  load: (id) => findFile(queries, id),
  invalidation: { onDrop: () => undefined, announce: () => undefined },
});
const redis = LIMIT ? withScripts(new Redis(REDIS_URL)) : undefined;
const { interval, burst } = limitOf('key', 10_000_000);
const hash = (text: string) => createHash('sha256').update(text).digest();
const known = hash(API_KEY);

const server = createServer(async (request, response) => {
  const presented = request.headers['x-api-key'];
  if (typeof presented !== 'string' || !timingSafeEqual(hash(presented), known)) {
    response.writeHead(401).end();
    return;
  }
  await redis?.slipwayLimit('{bare}:limit:key', interval, burst);
  const id = (request.url ?? '').slice('/files/'.length);
  const row = CACHE ? await cache.get(id) : await findFile(queries, id);
  if (row === undefined) {
    response.writeHead(404).end();
    return;
  }
  const headers = ['ETag', `"${row.sha256}"`, 'Last-Modified', row.created_at.toUTCString()];
  headers.push('Content-Type', row.type, 'Content-Length', `${row.size}`);
  headers.push('Content-Disposition', `attachment; filename="${row.name}"`);
  headers.push('Cache-Control', 'public, max-age=60, must-revalidate');
  response.writeHead(200, headers).end();
});
server.keepAliveTimeout = 75_000; // as the service
server.listen(Number(PORT), '127.0.0.1');
