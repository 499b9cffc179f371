import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings, SettingsError } from '../../service/settings.ts';

const valid = {
  DATABASE_URL: 'postgres://db.example:5432/slipway',
  REDIS_URL: 'redis://cache.example:6379',
  OBJECTS_DIR: '/var/objects',
};

function faultsOf(environment: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadSettings(environment);
  } catch (error) {
    if (error instanceof SettingsError) return error.faults;
    throw error;
  }
  return [];
}

describe('settings', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'settings-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function inFile(name: string, text: string): string {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  }

  it('have defaults for everything but what only the user can know', () => {
    expect(loadSettings(valid)).toMatchObject({
      PORT: 3000,
      METRICS_PORT: 9090,
      LONGEST_REQUEST_SECONDS: 300,
      DATABASE_TLS: 'verify-full',
    });
    expect(faultsOf({})).toEqual([
      expect.stringMatching(/^DATABASE_URL is required: /),
      expect.stringMatching(/^REDIS_URL is required: /),
      expect.stringMatching(/^S3_BUCKET or OBJECTS_DIR is required/),
    ]);
  });

  it('report all faults at once, each with the variable, the fault and the unit', () => {
    expect(
      faultsOf({
        ...valid,
        PORT: '99999',
        SESSION_TTL_SECONDS: '-1',
        REDIS_TIMEOUT_MS: 'soon',
        REDIS_URL: 'http://cache',
        LOG_LEVEL: 'loud',
        S3_BUCKET: 'also-a-bucket',
      }),
    ).toEqual([
      'PORT must be a whole number of port numbers (0 = any free one) from 0 to 65535',
      'LOG_LEVEL must be one of fatal, error, warn, info, debug, silent',
      'REDIS_URL must be a URL that starts with redis:// or rediss://',
      'REDIS_TIMEOUT_MS must be a whole number of ms from 20 to 10000',
      'SESSION_TTL_SECONDS must be a whole number of seconds from 10 to 31536000',
      expect.stringMatching(/^S3_BUCKET or OBJECTS_DIR .* only one/),
    ]);
  });

  it('come from NAME, from the file NAME_FILE or from SETTINGS_DIR, and only from one of them', () => {
    const mounted = mkdtempSync(join(folder, 'mounted-'));
    writeFileSync(join(mounted, 'SESSION_TTL_SECONDS'), '60\n');
    const environment = { ...valid, PORT_FILE: inFile('port', '8080\n'), SETTINGS_DIR: mounted };
    expect(loadSettings(environment)).toMatchObject({ PORT: 8080, SESSION_TTL_SECONDS: 60 });
    expect(faultsOf({ ...environment, PORT: '8081' })).toEqual([
      expect.stringMatching(/^PORT is given more than once/),
    ]);
    expect(faultsOf({ ...valid, PORT_FILE: join(folder, 'missing') })).toEqual([
      expect.stringMatching(/^PORT cannot be read from its file .*missing \(ENOENT\)$/),
    ]);
  });

  it('read credentials from their file each time they are asked for', async () => {
    const path = inFile('credentials', '{"username":"app_a","password":"first","host":"ignored"}');
    const { DATABASE_CREDENTIALS: read } = loadSettings({ ...valid, DATABASE_CREDENTIALS_FILE: path });
    expect(await read?.()).toEqual({ username: 'app_a', password: 'first' });
    writeFileSync(path, '{"username":"app_b","password":"second"}');
    expect(await read?.()).toEqual({ username: 'app_b', password: 'second' });
  });

  it('never print a secret', async () => {
    const secret = 'hunter2-hunter2';
    const faults = faultsOf({ ...valid, DATABASE_CREDENTIALS: `{"username":"a","pass":"${secret}"}`, PORT: '-1' });
    expect(faults).toHaveLength(2);
    expect(faults.join()).toMatch(/DATABASE_CREDENTIALS needs a "password"|DATABASE_CREDENTIALS .*/);
    expect(faults.join()).not.toContain(secret);
    const path = inFile('broken', `${secret}`);
    expect(faultsOf({ ...valid, REDIS_CREDENTIALS_FILE: path }).join()).not.toContain(secret);
  });

  it.each([
    ['ALLOWED_HOSTS', 'a b', /host names/],
    ['INSTANCE', 'x'.repeat(64), /1 to 63/],
    ['S3_BUCKET', 'Not_A_Bucket', /bucket name/],
    ['DATABASE_CA', 'no certificate', /PEM/],
    ['DATABASE_TLS', 'maybe', /verify-full/],
    ['TRUSTED_PROXY_HOPS', '6', /proxies from 0 to 5/],
    ['MAX_UPLOAD_BYTES', '0', /bytes from 1/],
    ['PORT', '0x50', /port numbers/],
  ])('%s refuses %s', (name, value, fault) => {
    const { OBJECTS_DIR, ...rest } = valid;
    const environment = name === 'S3_BUCKET' ? rest : { ...rest, OBJECTS_DIR };
    expect(faultsOf({ ...environment, [name]: value })).toEqual(expect.arrayContaining([expect.stringMatching(fault)]));
  });
});
