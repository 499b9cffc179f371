import { pino } from 'pino';
import type { DatabaseSettings } from '../../service/database/connection.ts';
import type { Database } from '../../service/database/database.ts';
import { openDatabase } from '../../service/database/pools.ts';
import { databaseSettings, type OwnPostgres, ownPostgres, ownReplica } from '../support/own-postgres.ts';
import { waitFor } from '../support/wait.ts';

const maxLagMs = 3000;
const applyDelayMs = 10_000;

describe('a streaming replica as reader', () => {
  let primary: OwnPostgres;
  let replica: OwnPostgres;
  let settings: DatabaseSettings;
  let database: Database;
  let failures: unknown[];
  let stopLoad: () => Promise<void>;

  beforeAll(async () => {
    primary = await ownPostgres();
    await primary.run('SET ROLE slipway_owner; CREATE TABLE beats (id int PRIMARY KEY, at bigint)');
    await primary.run('INSERT INTO beats VALUES (1, 0)');
    replica = await ownReplica(primary);
    settings = databaseSettings(primary, {
      DATABASE_CONNECT_TIMEOUT_MS: 5000,
      DATABASE_QUERY_TIMEOUT_MS: 5000,
      DATABASE_READER_URL: replica.address,
      DATABASE_READER_MAX_LAG_MS: maxLagMs,
    });
    database = openDatabase(settings, pino({ level: 'silent' }));
    await waitFor('the reader', used);
  });
  afterAll(async () => {
    await database.close();
    await replica.stop();
    await primary.stop();
  });
  beforeEach(() => {
    failures = [];
    let done = false;
    const loops = [1, 2].map(async () => {
      while (!done) {
        await where().catch((error) => failures.push(error));
        await new Promise(setImmediate); // a read that fails at once must not starve everything else
      }
    });
    stopLoad = async () => {
      done = true;
      await Promise.all(loops);
    };
  });
  afterEach(async () => {
    replica.thaw();
    await stopLoad();
    expect(failures).toEqual([]);
  });

  const used = () => database.reader()?.used === true;
  const unused = () => !used();
  /** Which server answers a read. */
  const where = async () => {
    const [row] = await database.read<{ standby: boolean }>({ text: 'SELECT pg_is_in_recovery() AS standby' });
    return row?.standby ? 'reader' : 'writer';
  };
  const delay = async (ms: number) => {
    await replica.run(`ALTER SYSTEM SET recovery_min_apply_delay = '${ms}ms'`);
    await replica.run('SELECT pg_reload_conf()');
  };

  it('is read from; everything else goes to the writer', async () => {
    await waitFor('reads from the reader', async () => (await where()) === 'reader');
    const [row] = await database.query<{ standby: boolean }>({ text: 'SELECT pg_is_in_recovery() AS standby' });
    expect(row).toEqual({ standby: false });
    expect(database.pools().map(({ pool }) => pool)).toEqual(['writer', 'reader']);
  });

  it('is never shown older than allowed, stays in while the writer is idle, and goes out while it lags', async () => {
    // Idle for longer than the greatest lag: nothing to replay is no lag.
    const idleSinceMs = Date.now();
    await waitFor('idle time', () => {
      if (!used()) throw new Error('an idle writer made the reader look late');
      return Date.now() - idleSinceMs > maxLagMs + 1000;
    });
    await delay(applyDelayMs);
    await primary.run('UPDATE beats SET at = 1');
    await waitFor('the lagging reader to be out', unused, 2 * maxLagMs + 1000);
    expect(await where()).toBe('writer');
    expect(await database.read({ text: 'SELECT at::int FROM beats' })).toEqual([{ at: 1 }]);
    await delay(0);
    await waitFor('the reader that has caught up', used, applyDelayMs + 5000);
    await waitFor('reads from the reader', async () => (await where()) === 'reader');
    expect(await database.read({ text: 'SELECT at::int FROM beats' })).toEqual([{ at: 1 }]);
  });

  it('cut off from its writer, goes out although it has replayed all it got', async () => {
    const [conninfo] = await replica.run<{ primary_conninfo: string }>('SHOW primary_conninfo');
    await replica.run("ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1'");
    await replica.run('SELECT pg_reload_conf()');
    await waitFor('the end of the stream', async () => {
      return (await replica.run('SELECT FROM pg_stat_wal_receiver')).length === 0;
    });
    await primary.run('UPDATE beats SET at = 2');
    await waitFor('the reader to be out', unused, 2 * maxLagMs + 1000);
    await replica.run(`ALTER SYSTEM SET primary_conninfo = '${conninfo?.primary_conninfo}'`);
    await replica.run('SELECT pg_reload_conf()');
    await waitFor('the reader', used, 15_000);
  });

  it('frozen, costs no error: waiting reads go on at the writer', async () => {
    replica.freeze();
    await waitFor('the frozen reader to be out', unused, 2 * maxLagMs + 1000);
    expect(await where()).toBe('writer');
    replica.thaw();
    await waitFor('the reader', used, 20_000);
  });

  it('killed and restarted, costs no error', async () => {
    await replica.kill();
    await waitFor('the lost reader to be out', unused, 2 * maxLagMs);
    expect(await where()).toBe('writer');
    await replica.restart();
    await waitFor('the reader', used, 20_000);
    await waitFor('reads from the reader', async () => (await where()) === 'reader');
  });

  it('is looked at without being measured: what is counted, and alerts, is only what was asked for', async () => {
    const measured: string[] = [];
    const other = openDatabase(settings, pino({ level: 'silent' }), (_, operation) => (call) => {
      measured.push(operation);
      return call();
    });
    try {
      // It is used once both servers have been looked at.
      await waitFor('the reader', () => other.reader()?.used === true);
      expect(measured).toEqual([]);
      await other.read({ text: 'SELECT 1' });
      await other.ping();
      expect(measured).toEqual(['read', 'write']);
    } finally {
      await other.close();
    }
  });

  it('what is wrong with a statement is told by the writer', async () => {
    await expect(database.read({ text: 'SELECT 1/0' })).rejects.toMatchObject({ code: '22012' });
  });
});
