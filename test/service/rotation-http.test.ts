import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Credentials } from '../../service/settings.ts';
import { ask } from '../support/client.ts';
import { bootstrapEnvironment, users } from '../support/databases.ts';
import { type OwnPostgres, ownPostgres } from '../support/own-postgres.ts';
import { runCommand, startService } from '../support/service.ts';
import { sharedServers } from '../support/shared-servers.ts';
import { waitFor } from '../support/wait.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';

describe('a password rotated under load', () => {
  let world: World;
  let server: OwnPostgres;
  const file = join(sharedServers().dir, `rotated-${process.pid}.json`);

  beforeAll(async () => {
    world = await createWorld();
    server = await ownPostgres();
  });
  afterAll(async () => {
    await endWorld();
    await server.stop();
  });

  /** As a mounted secret changes: in one step. */
  function mount(credentials: Credentials): void {
    writeFileSync(`${file}.new`, JSON.stringify(credentials));
    renameSync(`${file}.new`, file);
  }
  const rotate = (a: Credentials, b: Credentials) =>
    runCommand(['bootstrap'], {
      ...bootstrapEnvironment(server.url, 'slipway'),
      APP_A_CREDENTIALS: JSON.stringify(a),
      APP_B_CREDENTIALS: JSON.stringify(b),
    });
  const connectionsOf = async ({ username }: Credentials) =>
    (await server.run('SELECT FROM pg_stat_activity WHERE usename = $1', [username])).length;

  it('costs no failed request', async () => {
    mount(users.appA);
    const database = { DATABASE_URL: server.address, DATABASE_TLS: 'disable', DATABASE_CREDENTIALS_FILE: file };
    const key = await runCommand(['admin-key'], database);
    const service = await startService({
      ...world.environment,
      ...database,
      DATABASE_CREDENTIALS: undefined,
      DATABASE_POOL_SIZE: '12',
    });
    const statuses = new Map<number, number>();
    let on = true;
    const clients: Promise<void>[] = [];
    const client = async () => {
      while (on) {
        const { status } = await ask(`${service.url}/files?limit=100`, { headers: { 'X-API-Key': key } });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    /** More clients need more connections, which are made with what is mounted then. */
    const moreClients = () => clients.push(...Array.from({ length: 4 }, client));
    moreClients();
    await waitFor('connections of the first user', async () => (await connectionsOf(users.appA)) > 0);

    const b = { ...users.appB, password: 'app-b-rotated' };
    await rotate(users.appA, b);
    mount(b);
    moreClients();
    await waitFor('connections of the second user', async () => (await connectionsOf(b)) > 0);

    const a = { ...users.appA, password: 'app-a-rotated' };
    await rotate(a, b);
    mount(a);
    const before = await connectionsOf(a);
    moreClients();
    await waitFor('connections of the first user with its new password', async () => (await connectionsOf(a)) > before);

    on = false;
    await Promise.all(clients);
    expect([...statuses.keys()]).toEqual([200]);
    expect(statuses.get(200)).toBeGreaterThan(50);
  });
});
