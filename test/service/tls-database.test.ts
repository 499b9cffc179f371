import { pino } from 'pino';
import { openDatabase } from '../../service/database/pools.ts';
import { type Certificates, makeCertificates } from '../support/certificates.ts';
import { bootstrapEnvironment } from '../support/databases.ts';
import { databaseSettings, type OwnPostgres, ownPostgres } from '../support/own-postgres.ts';
import { runCommand, tryCommand } from '../support/service.ts';

describe('PostgreSQL over TLS', () => {
  let certificates: Certificates;
  let server: OwnPostgres;

  beforeAll(async () => {
    certificates = makeCertificates('localhost');
    server = await ownPostgres({ tls: certificates });
  });
  afterAll(() => server.stop());

  const at = (host: string) => server.address.replace('127.0.0.1', host);
  async function connect(address: string, ca: string | undefined): Promise<unknown> {
    const settings = databaseSettings({ address }, { DATABASE_TLS: 'verify-full', ...(ca ? { DATABASE_CA: ca } : {}) });
    const database = openDatabase(settings, pino({ level: 'silent' }));
    try {
      return await database.query({ text: 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()' });
    } finally {
      await database.close();
    }
  }

  it('takes the right authority and host name', async () => {
    expect(await connect(at('localhost'), certificates.ca)).toEqual([{ ssl: true }]);
  });

  it.each([
    ['another authority', 'localhost', () => makeCertificates('localhost').ca, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['the authorities of the system', 'localhost', () => undefined, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['another host name', '127.0.0.1', () => certificates.ca, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('refuses %s', async (_what, host, ca, code) => {
    await expect(connect(at(host), ca())).rejects.toMatchObject({ code: 'database_unavailable', cause: { code } });
  });

  it('refuses a server without TLS', async () => {
    const plain = await ownPostgres();
    try {
      const refused = expect.objectContaining({ message: 'The server does not support SSL connections' });
      await expect(connect(plain.address, certificates.ca)).rejects.toMatchObject({ cause: refused });
    } finally {
      await plain.stop();
    }
  });

  it('the commands verify the server too', async () => {
    const environment = {
      ...bootstrapEnvironment(server.url.replace('127.0.0.1', 'localhost'), 'slipway'),
      DATABASE_TLS: 'verify-full',
      DATABASE_CA_FILE: certificates.caFile,
    };
    await runCommand(['bootstrap'], environment);
    const wrong = await tryCommand(['bootstrap'], { ...environment, DATABASE_MASTER_URL: server.url });
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain("does not match certificate's altnames");
  });
});
