import { createServer } from 'node:net';
import { Client } from 'pg';
import { pauseAfter } from '../../service/commands/patience.ts';
import { ensureRights, ensureServer } from '../../service/database/roles.ts';
import { bootstrapEnvironment, databaseUrl, users } from '../support/databases.ts';
import { barePostgres, type OwnPostgres } from '../support/own-postgres.ts';
import { runCommand, tryCommand } from '../support/service.ts';
import { waitFor } from '../support/wait.ts';

const name = 'slipway';

/** Logs in and runs one statement. */
async function as(
  user: { username: string; password: string },
  address: string,
  text = 'SELECT 1',
): Promise<unknown[]> {
  const url = new URL(address);
  const client = new Client({
    host: url.hostname,
    port: Number(url.port),
    database: url.pathname.slice(1),
    user: user.username,
    password: user.password,
  });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

it('a migration between the two halves of a bootstrap makes nothing, and all of it afterwards', async () => {
  const server = await barePostgres({});
  const logins = { migrator: users.migrator, apps: [users.appA, users.appB] as const };
  const inside = databaseUrl(server.url, name);
  const outer = new Client({ connectionString: server.url });
  const inner = new Client({ connectionString: new URL(`/${name}`, server.url).href });
  const credentials = { DATABASE_TLS: 'disable', DATABASE_CREDENTIALS: JSON.stringify(users.migrator) };
  const migrate = { DATABASE_URL: inside, ...credentials };
  try {
    await outer.connect();
    await ensureServer(outer, name, logins);
    const early = await tryCommand(['migrate'], migrate);
    expect(early.code).toBe(1);
    expect(early.stderr).toContain('permission denied to set role "slipway_owner"');
    await inner.connect();
    expect((await inner.query("SELECT FROM pg_tables WHERE schemaname = 'public'")).rowCount).toBe(0);
    await ensureRights(inner, name, logins);
    await runCommand(['migrate'], migrate);
    expect(await as(users.appA, inside, 'SELECT count(*)::int AS applied FROM pgmigrations')).toEqual([
      { applied: expect.any(Number) },
    ]);
  } finally {
    await Promise.all([outer.end(), inner.end()]);
    await server.stop();
  }
});

/** Takes the place of a server that is not up yet: counts who comes, and lets nobody in. */
async function closedDoor(port: number): Promise<{ knocks(): number; close(): Promise<void> }> {
  let knocks = 0;
  const door = createServer((client) => {
    knocks++;
    client.resetAndDestroy();
  });
  await new Promise<void>((resolve) => door.listen(port, '127.0.0.1', resolve));
  return { knocks: () => knocks, close: () => new Promise((resolve) => door.close(() => resolve())) };
}

describe('begun before the server', () => {
  let server: OwnPostgres;
  beforeAll(async () => {
    server = await barePostgres();
    await server.kill();
  });
  afterAll(() => server.stop());
  const bootstrap = (wait: string) => ({ ...bootstrapEnvironment(server.url, name), DATABASE_WAIT_SECONDS: wait });

  it.each([
    [0, 250],
    [2000, 250],
    [8000, 1000],
    [16_000, 2000],
    [600_000, 2000],
  ])('after %i ms of waiting the next try is %i ms away', (waitedMs, pauseMs) => {
    expect(pauseAfter(waitedMs)).toBe(pauseMs);
  });

  it('a command fails at once, or after the seconds for which it shall wait', async () => {
    const refused = 'bootstrap failed: connect ECONNREFUSED';
    const { DATABASE_WAIT_SECONDS: _, ...usual } = bootstrap('');
    const once = await tryCommand(['bootstrap'], usual);
    expect(once).toMatchObject({ code: 1, stderr: expect.stringMatching(new RegExp(`^${refused}`)) });
    const waiting = await tryCommand(['bootstrap'], bootstrap('1'));
    expect(waiting.code).toBe(1);
    expect(waiting.stderr).toMatch(
      new RegExp(`^Waiting up to 1 s for the database: connect ECONNREFUSED.*\n${refused}.*\n$`),
    );
    expect((await tryCommand(['bootstrap'], bootstrap('-1'))).stderr).toContain(
      'DATABASE_WAIT_SECONDS must be a whole number of seconds from 0 to 600',
    );
  });

  it('both commands wait for it, and the migration for the bootstrap', async () => {
    const door = await closedDoor(server.port);
    const ended = Promise.all([
      tryCommand(['bootstrap'], bootstrap('50')),
      tryCommand(['migrate'], {
        DATABASE_URL: databaseUrl(server.url, name),
        DATABASE_TLS: 'disable',
        DATABASE_CREDENTIALS: JSON.stringify(users.migrator),
        DATABASE_WAIT_SECONDS: '50',
      }),
    ]);
    await waitFor('both to have tried more than once', () => door.knocks() > 4);
    await door.close();
    await server.restart();
    const [bootstrapped, migrated] = await ended;
    expect(bootstrapped).toMatchObject({ code: 0, stdout: 'The database slipway is set up.\n' });
    expect(migrated).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Applied 0001_keys/) });
    for (const { stderr } of [bootstrapped, migrated])
      expect(stderr).toMatch(/^Waiting up to 50 s for the database: .*\n$/);
  });
});

describe('bootstrap and migrate', () => {
  const master = { username: 'master', password: 'master-password' };
  const serverLog: string[] = [];
  let server: OwnPostgres;
  let masterUrl: string;
  let migrate: Record<string, string>;

  beforeAll(async () => {
    server = await barePostgres({ settings: { log_statement: 'all' }, log: (line) => serverLog.push(line) });
    // What RDS gives: a user that may make roles and databases, and is no superuser.
    await as(
      { username: 'postgres', password: decodeURIComponent(new URL(server.url).password) },
      server.url,
      `CREATE ROLE ${master.username} LOGIN CREATEROLE CREATEDB PASSWORD '${master.password}'`,
    );
    const url = new URL(server.url);
    url.username = master.username;
    url.password = master.password;
    masterUrl = url.href;
    migrate = {
      DATABASE_URL: databaseUrl(server.url, name),
      DATABASE_TLS: 'disable',
      DATABASE_CREDENTIALS: JSON.stringify(users.migrator),
    };
  });
  afterAll(() => server.stop());

  it('several bootstraps at once, by a master that is no superuser, all succeed', async () => {
    const environment = bootstrapEnvironment(masterUrl, name);
    await Promise.all([1, 2, 3].map(() => runCommand(['bootstrap'], environment)));
    for (const user of Object.values(users)) await as(user, server.address);
  });

  it('a migration that fails is named, with what PostgreSQL says of it', async () => {
    const owner = (text: string) => as(users.migrator, server.address, `SET ROLE slipway_owner; ${text}`);
    await owner('CREATE TABLE files (id int)');
    const { code, stderr } = await tryCommand(['migrate'], migrate);
    await owner('DROP TABLE files, keys, pgmigrations');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'The migration 0002_files failed.\nmigrate failed: relation "files" already exists (42P07)\n',
    });
  });

  it('several migrations at once run each file once', async () => {
    const outputs = await Promise.all([1, 2, 3, 4].map(() => runCommand(['migrate'], migrate)));
    expect(outputs.filter((output) => output.startsWith('Applied 0001_keys'))).toHaveLength(1);
    expect(outputs.filter((output) => output === 'The schema is up to date.')).toHaveLength(3);
    const owners = await server.run('SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = $1', ['public']);
    expect(owners).toEqual([{ tableowner: 'slipway_owner' }]);
  });

  it.each([
    'CREATE TABLE mine (id int)',
    'CREATE TEMP TABLE mine (id int)',
    'CREATE SCHEMA mine',
    'ALTER TABLE keys ADD COLUMN mine int',
    'DROP TABLE keys',
    'TRUNCATE keys',
    'CREATE INDEX mine ON keys (name)',
    'CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$',
    'SET ROLE slipway_owner',
    "UPDATE pgmigrations SET name = 'mine'",
  ])('an app user may not: %s', async (statement) => {
    for (const user of [users.appA, users.appB]) {
      await expect(as(user, server.address, statement)).rejects.toMatchObject({ code: '42501' });
    }
  });

  it('an app user may read and write rows, also of tables made later', async () => {
    await as(users.migrator, server.address, 'SET ROLE slipway_owner; CREATE TABLE later (id serial, note text)');
    for (const user of [users.appA, users.appB]) {
      await as(user, server.address, "INSERT INTO later (note) VALUES ('x')");
      await as(user, server.address, "UPDATE later SET note = 'y'");
      await as(user, server.address, 'DELETE FROM later');
    }
  });

  it('nobody else may connect', async () => {
    await server.run("CREATE ROLE stranger LOGIN PASSWORD 'stranger-password'");
    const stranger = { username: 'stranger', password: 'stranger-password' };
    await expect(as(stranger, server.address)).rejects.toMatchObject({ code: '42501' });
  });

  it('again, it changes only the passwords, to those given', async () => {
    const changed = { username: users.appB.username, password: 'another app-b "password"\'' };
    const rights = "SELECT relname, relacl::text FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1";
    const before = await server.run(rights);
    await runCommand(['bootstrap'], {
      ...bootstrapEnvironment(masterUrl, name),
      APP_B_CREDENTIALS: JSON.stringify(changed),
    });
    await as(changed, server.address);
    await as(users.appA, server.address);
    await expect(as(users.appB, server.address)).rejects.toMatchObject({ code: '28P01' });
    expect(await server.run(rights)).toEqual(before);
  });

  it('no password reaches the log of the server', () => {
    const log = serverLog.join('\n');
    expect(log).toContain('ALTER ROLE "slipway_app_a" LOGIN PASSWORD');
    for (const { password } of Object.values(users)) expect(log).not.toContain(password);
  });

  it('an admin key ends when it was told to, or never', async () => {
    const login = { ...migrate, DATABASE_CREDENTIALS: JSON.stringify(users.appA) };
    await runCommand(['admin-key', '--name', 'brief', '--expires-in', '60'], login);
    await runCommand(['admin-key', '--name', 'lasting'], login);
    expect(
      await server.run(
        `SELECT name, expires_at > created_at AND expires_at <= created_at + interval '60 s' AS ends FROM keys ORDER BY name`,
      ),
    ).toEqual([
      { name: 'brief', ends: true },
      { name: 'lasting', ends: null },
    ]);
  });

  it.each(['0', '-1', '1.5', '1e3', '31536001', 'soon', ''])(
    'an admin key that is to end in %j seconds is refused',
    async (seconds) => {
      const { code, stdout, stderr } = await tryCommand(['admin-key', `--expires-in=${seconds}`], {});
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain('--expires-in SECONDS   when it ends, 1 to 31536000; default: never');
    },
  );

  it('wrong settings are reported all at once, without their values', async () => {
    const { code, stderr } = await tryCommand(['bootstrap'], {
      DATABASE_MASTER_URL: 'mysql://secret-value@host',
      DATABASE_NAME: 'No Name',
      MIGRATOR_CREDENTIALS: JSON.stringify({ username: 'same', password: 'short' }),
      APP_A_CREDENTIALS: JSON.stringify({ username: 'same', password: 'secret-value' }),
    });
    expect(code).toBe(1);
    for (const variable of [
      'DATABASE_MASTER_URL',
      'DATABASE_NAME',
      'MIGRATOR_CREDENTIALS',
      'APP_B_CREDENTIALS is required',
      'three different users',
    ]) {
      expect(stderr).toContain(variable);
    }
    expect(stderr).not.toContain('secret-value');
  });

  it('a refused credential is a clear error without the password', async () => {
    const wrong = { username: users.migrator.username, password: 'wrong-password' };
    const { code, stderr } = await tryCommand(['migrate'], { ...migrate, DATABASE_CREDENTIALS: JSON.stringify(wrong) });
    expect(code).toBe(1);
    expect(stderr).toBe('migrate failed: password authentication failed for user "slipway_migrator" (28P01)\n');
  });

  it('help and wrong arguments are told apart by the exit code', async () => {
    for (const command of ['bootstrap', 'migrate', 'admin-key']) {
      const help = await tryCommand([command, '--help'], {});
      expect(help).toMatchObject({ code: 0, stderr: '' });
      expect(help.stdout).toContain(`Usage: main.js ${command}`);
      expect((await tryCommand([command, '--nonsense'], {})).code).toBe(2);
    }
  });
});
