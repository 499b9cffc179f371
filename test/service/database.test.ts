import { DatabaseError } from 'pg';
import { pino } from 'pino';
import type { Database } from '../../service/database/database.ts';
import { openDatabase } from '../../service/database/pools.ts';
import { databaseSettings, type OwnPostgres, ownPostgres } from '../support/own-postgres.ts';
import { waitFor } from '../support/wait.ts';
import { elapsed, expectWithin } from './in-time.ts';

const log = pino({ level: 'silent' });
const unavailable = { code: 'database_unavailable' };
/** Time-outs of databaseSettings (1000 ms each) and the grace for a cancelled statement. */
const promisedMs = 1500;
const marginMs = 700;
const recoveryMs = 5000;

describe('the database', () => {
  let server: OwnPostgres;
  let database: Database;
  const open = () => openDatabase(databaseSettings(server, { DATABASE_POOL_SIZE: 2 }), log);

  beforeAll(async () => {
    server = await ownPostgres();
  });
  afterAll(() => server.stop());
  beforeEach(() => {
    database = open();
  });
  afterEach(() => database.close());

  const one = (): Promise<{ one: number }[]> => database.query({ text: 'SELECT 1 AS one' });
  const isBack = async () => (await Promise.allSettled([one()]))[0]?.status === 'fulfilled';

  it('leaks no connection, whatever ends a statement', async () => {
    const runs = Array.from({ length: 50 }, (_, i) => {
      if (i % 5 === 0) return database.query({ text: 'SELECT nonsense' });
      if (i % 5 === 1) return database.transaction(async () => Promise.reject(new Error('mine')));
      if (i % 5 === 2) return database.query({ text: 'SELECT pg_terminate_backend(pg_backend_pid())' });
      if (i % 5 === 3) return database.transaction((connection) => connection.query({ text: 'SELECT 1/0' }));
      return one();
    });
    const results = await Promise.allSettled(runs);
    const reasons = results.map((result) =>
      result.status === 'fulfilled' ? 'fine' : String(result.reason.code ?? result.reason.message),
    );
    expect(new Set(reasons)).toEqual(new Set(['fine', '42703', 'mine', 'database_unavailable', '22012']));
    for (let i = 0; i < 10; i++) await one();
    expect(database.pools()[0]).toMatchObject({ waiting: 0 });
    await waitFor('idle connections', () => {
      const [pool] = database.pools();
      return pool !== undefined && pool.idle === pool.total && pool.total <= 2;
    });
    expect(await server.run("SELECT FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'")).toEqual([]);
  });

  it('passes on what is wrong with a statement, and keeps its connection', async () => {
    const pid = async () => (await database.query<{ pid: number }>({ text: 'SELECT pg_backend_pid() AS pid' }))[0]?.pid;
    const before = await pid();
    await expect(database.query({ text: 'SELECT 1/0' })).rejects.toBeInstanceOf(DatabaseError);
    await expect(database.query({ text: "SELECT 'a'::int" })).rejects.toMatchObject({ code: '22P02' });
    expect(await pid()).toBe(before);
  });

  it('rolls back what rejects and commits what resolves', async () => {
    const insert = `INSERT INTO keys (id, name, secret_sha256, scopes) VALUES ($1, 'n', sha256('s'), '{load}')`;
    const fault = new TypeError('thrown inside');
    const failed = database.transaction(async (connection) => {
      await connection.query({ text: insert, values: ['rolledback00'] });
      throw fault;
    });
    await expect(failed).rejects.toBe(fault);
    await database.transaction((connection) => connection.query({ text: insert, values: ['committed000'] }));
    expect(await database.query({ text: 'SELECT id FROM keys' })).toEqual([{ id: 'committed000' }]);
  });

  it('cancels a slow statement and a long wait for a lock in time, and stays open for others', async () => {
    await expectWithin(promisedMs + marginMs, () =>
      elapsed(() => expect(database.query({ text: 'SELECT pg_sleep(60)' })).rejects.toMatchObject(unavailable)),
    );
    await database.transaction(async (holder) => {
      await holder.query({ text: 'LOCK TABLE keys' });
      await expect(database.query({ text: 'SELECT FROM keys' })).rejects.toMatchObject(unavailable);
      await holder.query({ text: 'SELECT 1' });
    });
    await one();
  });

  it('a pool that is used up answers in time, and does not take the server for lost', async () => {
    const holders = [1, 2].map(() => database.query({ text: 'SELECT pg_sleep(0.4)' }));
    await Promise.all(Array.from({ length: 20 }, () => one()));
    await Promise.all(holders);
    expect(database.pools()[0]).toMatchObject({ waiting: 0 });
  });

  /** So many at the same time, all in vain. @returns how long they take, in ms */
  const inVain = (count: number) =>
    elapsed(() => Promise.all(Array.from({ length: count }, () => expect(one()).rejects.toMatchObject(unavailable))));

  it('frozen: answers in time, then at once, and is back within 5 s', () =>
    expectWithin(promisedMs + marginMs, async () => {
      await Promise.all([one(), one()]);
      server.freeze();
      let firstMs: number;
      try {
        firstMs = await inVain(10);
        await expectWithin(marginMs, () => inVain(100));
        await expect(database.ping()).rejects.toMatchObject(unavailable);
      } finally {
        server.thaw();
      }
      await waitFor('the database', isBack, recoveryMs);
      return firstMs;
    }));

  it('frozen without a single open connection: the same', () =>
    expectWithin(1000 + marginMs, async () => {
      await database.close();
      database = open();
      server.freeze();
      let firstMs: number;
      try {
        firstMs = await inVain(1);
        await expectWithin(marginMs, () => inVain(1));
      } finally {
        server.thaw();
      }
      await waitFor('the database', isBack, recoveryMs);
      return firstMs;
    }));

  it('killed and restarted: fails fast, and is back within 5 s without a restart', async () => {
    await Promise.all([one(), one()]);
    const running = expect(database.query({ text: 'SELECT pg_sleep(0.9)' })).rejects.toMatchObject(unavailable);
    await server.kill();
    await running;
    await expectWithin(marginMs, () => inVain(1));
    await server.restart();
    await waitFor('the database', isBack, recoveryMs);
  });

  it('a killed connection costs no more than its own statement', async () => {
    await one();
    await server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'slipway_app_a'");
    await waitFor('the end of the connection', () => database.pools()[0]?.total === 0);
    await one();
  });

  it('a writer that has become a standby is given up', async () => {
    await one();
    await server.run('ALTER ROLE slipway_app_a SET default_transaction_read_only = on');
    await server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'slipway_app_a'");
    await waitFor('the end of the connection', () => database.pools()[0]?.total === 0);
    const write = () => database.query({ text: 'DELETE FROM keys' });
    await expect(write()).rejects.toMatchObject(unavailable);
    await server.run('ALTER ROLE slipway_app_a RESET default_transaction_read_only');
    await waitFor(
      'the writer',
      async () => (await Promise.allSettled([write()]))[0]?.status === 'fulfilled',
      recoveryMs,
    );
  });

  it('too many connections on the server are no loss of the server', async () => {
    await server.run('ALTER ROLE slipway_app_a CONNECTION LIMIT 1');
    try {
      const results = await Promise.allSettled([one(), database.query({ text: 'SELECT pg_sleep(0.2)' }), one()]);
      for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject(unavailable);
      await one();
    } finally {
      await server.run('ALTER ROLE slipway_app_a CONNECTION LIMIT -1');
    }
  });

  it('closes in time with a statement under way', () =>
    expectWithin(5000 + marginMs, async () => {
      const other = openDatabase(databaseSettings(server, { DATABASE_QUERY_TIMEOUT_MS: 60_000 }), log);
      const running = expect(other.query({ text: 'SELECT pg_sleep(60)' })).rejects.toMatchObject(unavailable);
      await waitFor('the statement', () => other.pools()[0]?.total === 1);
      const closeMs = await elapsed(() => other.close());
      await running;
      await expect(other.ping()).rejects.toMatchObject(unavailable);
      return closeMs;
    }));
});
