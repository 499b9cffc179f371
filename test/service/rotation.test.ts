import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Database } from '../../service/database/database.ts';
import { openDatabase } from '../../service/database/pools.ts';
import { type Credentials, loadSettings } from '../../service/settings.ts';
import { bootstrapEnvironment, users } from '../support/databases.ts';
import { databaseSettings, type OwnPostgres, ownPostgres } from '../support/own-postgres.ts';
import { runCommand } from '../support/service.ts';
import { sharedServers } from '../support/shared-servers.ts';
import { waitFor } from '../support/wait.ts';

const log = pino({ level: 'silent' });

describe('rotation by alternating users', () => {
  let server: OwnPostgres;
  const file = join(sharedServers().dir, `credentials-${process.pid}.json`);

  beforeAll(async () => {
    server = await ownPostgres();
  });
  afterAll(() => server.stop());

  /** As a secret mounted in a pod changes: in one step. */
  function mount(credentials: Credentials): void {
    writeFileSync(`${file}.new`, JSON.stringify(credentials));
    renameSync(`${file}.new`, file);
  }

  const bootstrap = (apps: { a: Credentials; b: Credentials }) =>
    runCommand(['bootstrap'], {
      ...bootstrapEnvironment(server.url, 'slipway'),
      APP_A_CREDENTIALS: JSON.stringify(apps.a),
      APP_B_CREDENTIALS: JSON.stringify(apps.b),
    });
  const open = () =>
    openDatabase(
      loadSettings({
        DATABASE_URL: server.address,
        DATABASE_CREDENTIALS_FILE: file,
        DATABASE_TLS: 'disable',
        DATABASE_POOL_SIZE: '10',
        REDIS_URL: 'redis://127.0.0.1:1',
        OBJECTS_DIR: '/nonexistent',
      }),
      log,
    );
  const sessions = async (user: string) =>
    (await server.run('SELECT FROM pg_stat_activity WHERE usename = $1', [user])).length;

  /** Statements without a pause on more and more connections, as a service under load opens them. */
  function startLoad(database: Database) {
    let done = false;
    const counts = { succeeded: 0, failures: [] as unknown[] };
    const loops: Promise<void>[] = [];
    const loop = async () => {
      while (!done) {
        await database.query({ text: 'SELECT count(*) FROM keys' }).then(
          () => counts.succeeded++,
          (error) => counts.failures.push(error),
        );
        await new Promise(setImmediate); // a statement that fails at once must not starve everything else
      }
    };
    return {
      counts,
      grow: (by: number) => loops.push(...Array.from({ length: by }, loop)),
      async stop() {
        done = true;
        await Promise.all(loops);
      },
    };
  }

  it('under load, twice around, costs no failed statement', async () => {
    const a: Credentials = { ...users.appA };
    const b: Credentials = { ...users.appB };
    mount(a);
    const database = open();
    const load = startLoad(database);
    load.grow(2);
    await waitFor('the first user', async () => (await sessions(a.username)) === 2);
    for (const [i, next] of [b, a, b, a].entries()) {
      // The user whose turn it is gets a new password while sessions of its last turn still run; then the secret changes.
      next.password = `rotated-password-${i}`;
      const before = await sessions(next.username);
      await bootstrap({ a, b });
      mount(next);
      load.grow(2);
      await waitFor(`new sessions of ${next.username}`, async () => (await sessions(next.username)) === before + 2);
    }
    const before = load.counts.succeeded;
    await waitFor('more load', () => load.counts.succeeded > before + 50);
    await load.stop();
    await database.close();
    expect(load.counts.failures).toEqual([]);
  });

  it('a secret that has changed since it was read is read once more', async () => {
    const b = { ...users.appB, password: 'rotated-password-2' };
    const read: Credentials[] = [{ ...b, password: 'rotated-away' }, b];
    const source = async () => read.shift() ?? b;
    const database = openDatabase(databaseSettings(server, { DATABASE_CREDENTIALS: source }), log);
    expect(await database.query({ text: 'SELECT current_user AS user' })).toEqual([{ user: b.username }]);
    await database.close();
  });

  it('a secret that is wrong or missing for a while does not harm the connections that are there', async () => {
    const b = { ...users.appB, password: 'rotated-password-2' };
    mount(b);
    const database = open();
    const load = startLoad(database);
    load.grow(2);
    await waitFor('two sessions in use', async () => load.counts.succeeded > 20 && (await sessions(b.username)) === 2);
    mount({ ...b, password: 'not-yet-valid' });
    await expect(
      Promise.all([1, 2, 3, 4].map(() => database.query({ text: 'SELECT pg_sleep(0.2)' }))),
    ).rejects.toMatchObject({
      code: 'database_unavailable',
    });
    rmSync(file);
    await expect(
      Promise.all([1, 2, 3, 4].map(() => database.query({ text: 'SELECT pg_sleep(0.2)' }))),
    ).rejects.toMatchObject({
      code: 'database_unavailable',
    });
    const before = load.counts.succeeded;
    await waitFor('statements on the old connections', () => load.counts.succeeded > before + 20);
    mount(b);
    await Promise.all([1, 2, 3, 4].map(() => database.query({ text: 'SELECT pg_sleep(0.2)' })));
    await load.stop();
    await database.close();
  });
});
