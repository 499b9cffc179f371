// A pool that fails fast while its server is away, and finds out by itself when it is back.
import { Client, type ClientConfig, Pool, type PoolClient } from 'pg';
import type { Logger } from 'pino';
import { type Calls, unmeasured } from '../calls.ts';
import { Problem } from '../errors.ts';
import type { CredentialsSource } from '../settings.ts';
import { rotatingClient } from './connection.ts';
import type { Queries } from './database.ts';
import { faultOf, isServerLost, toThrow } from './faults.ts';

export interface GuardedPoolOptions {
  name: 'writer' | 'reader';
  config: ClientConfig;
  /** Most connections. */
  size: number;
  credentials: CredentialsSource | undefined;
  log: Logger;
  /** @default unmeasured */
  calls?: Calls;
}

export interface GuardedPool extends Queries {
  transaction<T>(use: (connection: Queries) => Promise<T>): Promise<T>;
  /** Like query, but not measured: what is asked again and again for nobody would outnumber, and hide, what requests need. */
  look: Queries['query'];
  /** Treats the server as lost now, and cuts the statements that wait for it. */
  abandon(error: unknown): void;
  counts(): { size: number; total: number; idle: number; waiting: number };
  /** Lets statements end for at most `withinMs`, then cuts them. */
  close(withinMs: number): Promise<void>;
}

/** Between two attempts to reach a lost server: from the first to the last value, doubling, with jitter. */
const probeMs = { first: 100, last: 1000 };
const idleMs = 30_000;
/** A connection ends at a random age between the two, so that not all end at once and each takes up rotated credentials. */
const lifetimeSeconds = { shortest: 1500, longest: 2100 };

type Statement = Parameters<Queries['query']>[0];

/** Ends a connection even when a statement waits on it; that rejects. */
const cut = (client: PoolClient) => void (client as unknown as Client).end().catch(() => undefined);
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const lifetime = () => lifetimeSeconds.shortest + Math.random() * (lifetimeSeconds.longest - lifetimeSeconds.shortest);

export function createGuardedPool(options: GuardedPoolOptions): GuardedPool {
  const { name, config, size, credentials, log, calls = unmeasured } = options;
  const measure = calls('postgres', name === 'reader' ? 'read' : 'write');
  const measureConnect = calls('postgres', 'connect');
  const connectTimeoutMs = config.connectionTimeoutMillis ?? 0;
  const busy = new Set<PoolClient>();
  /** A connection that was made before the last loss says nothing about the server now. */
  const origin = new WeakMap<PoolClient, Pool>();
  let pool = open();
  let lost: unknown;
  let closed = false;

  function open(): Pool {
    const made = new Pool({
      ...config,
      max: size,
      idleTimeoutMillis: idleMs,
      maxLifetimeSeconds: lifetime(),
      Client: credentials ? rotatingClient(credentials) : Client,
    });
    made.on('connect', (client) => {
      origin.set(client, made);
      made.options.maxLifetimeSeconds = lifetime(); // of the next one
      client.on('error', () => undefined); // while it is in use: the statement reports it
    });
    made.on('error', () => undefined); // an idle connection ended: the pool has taken it out
    return made;
  }

  /** Drops all idle connections, which may be dead too, and asks in the background until the server answers. */
  function lose(error: unknown): void {
    if (lost !== undefined || closed) return;
    lost = error;
    log.warn({ event: 'database_lost', pool: name, error });
    pool.end().catch(() => undefined);
    pool = open();
    void probe();
  }

  async function probe(): Promise<void> {
    for (let wait = probeMs.first; !closed; wait = Math.min(wait * 2, probeMs.last)) {
      await pause(wait * (0.5 + Math.random() / 2));
      if (closed) return;
      try {
        await use(await pool.connect(), async (connection) => {
          const [row] = await connection.query<{ standby: boolean }>({ text: 'SELECT pg_is_in_recovery() AS standby' });
          if (name === 'writer' && row?.standby) throw new Error('the server is a standby');
        });
        lost = undefined;
        log.info({ event: 'database_back', pool: name });
        return;
      } catch (error) {
        log.debug({ event: 'database_still_lost', pool: name, error });
      }
    }
  }

  /** A connection. What failed before a statement was sent is tried once more, unless the server took its whole time. */
  async function acquire(): Promise<PoolClient> {
    for (let attempt = 1; ; attempt++) {
      if (lost !== undefined || closed) throw new Problem('database_unavailable', undefined, { cause: lost });
      const startedMs = performance.now();
      const asked = pool;
      try {
        return await asked.connect();
      } catch (error) {
        const fault = faultOf(error);
        const quick = performance.now() - startedMs < connectTimeoutMs / 2;
        if (attempt === 1 && quick) {
          await pause(50 + Math.random() * 50);
          continue;
        }
        // Refused credentials do not harm the connections that are there.
        const isLost = fault === 'connection' || (fault === 'credentials' && asked.totalCount === 0);
        if (isLost && asked === pool) lose(error);
        throw toThrow(error);
      }
    }
  }

  /** Runs `work` on a connection and gives it back; ends it unless it is known to be fine. */
  async function use<T>(client: PoolClient, work: (connection: Queries) => Promise<T>): Promise<T> {
    let broken = false;
    busy.add(client);
    try {
      return await work({
        async query<Row extends object>({ text, values, name: prepared }: Statement): Promise<Row[]> {
          try {
            const named = prepared === undefined ? {} : { name: prepared };
            return (await client.query<Row>({ text, values: values as unknown[] | undefined, ...named })).rows;
          } catch (error) {
            if (!['statement', 'busy'].includes(faultOf(error))) broken = true;
            if (isServerLost(error) && origin.get(client) === pool) lose(error);
            throw toThrow(error);
          }
        },
      });
    } finally {
      busy.delete(client);
      client.release(broken || client.getTransactionStatus() !== 'I');
    }
  }

  const look = async <Row extends object>(statement: Statement) =>
    use(await acquire(), (connection) => connection.query<Row>(statement));

  return {
    query: <Row extends object>(statement: Statement) => measure(() => look<Row>(statement), statement),
    look,
    async transaction(work) {
      return use(await measureConnect(acquire), async ({ query }) => {
        const connection: Queries = { query: (statement) => measure(() => query(statement), statement) };
        await connection.query({ text: 'BEGIN' });
        try {
          const result = await work(connection);
          await connection.query({ text: 'COMMIT' });
          return result;
        } catch (error) {
          await connection.query({ text: 'ROLLBACK' }).catch(() => undefined); // its connection is ended, then
          throw error;
        }
      });
    },
    abandon(error) {
      lose(error);
      for (const client of busy) cut(client);
    },
    counts: () => ({ size, total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    async close(withinMs) {
      closed = true;
      const late = setTimeout(() => busy.forEach(cut), withinMs);
      const end = pool.end();
      // A connection that is still being made ends by its own time-out; nobody waits for it.
      await Promise.race([end, new Promise((resolve) => setTimeout(resolve, withinMs + 100).unref())]);
      clearTimeout(late);
    },
  };
}
