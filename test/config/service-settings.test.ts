// What the pods are told is what the service takes, in every environment and variant.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { V1PodSpec } from '@kubernetes/client-node';
import type { Environment } from '../../config/environment.ts';
import { environments } from '../../config/environments.ts';
import { createMetrics } from '../../service/metrics.ts';
import { createApiServer } from '../../service/server.ts';
import { loadSettings, settingsSchema } from '../../service/settings.ts';
import { type Manifest, objectNamed, synthesized } from '../k8s/support/manifests.ts';
import { everything, variants } from '../k8s/support/variants.ts';
import { specOf } from '../k8s/support/workloads.ts';
import { makeCertificates } from '../support/certificates.ts';

let dir: string;
let authority: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'settings-'));
  authority = makeCertificates('database').caFile;
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** What Secrets Manager would put in place of a template. */
const filledIn = (text: string) =>
  text
    .replace(/\{\{ \.endpoints_(\w+) \}\}/g, '$1.example.org:5432')
    .replace(/\{\{ \.(\w+) \| toJson \}\}/g, (_, name: string) => JSON.stringify(`${name} "quoted"`));

/** The files that a pod of the service finds in its folder. */
function writeFiles(manifests: readonly Manifest[], environment: Environment): string {
  const folder = join(dir, `${Math.random()}`);
  mkdirSync(folder);
  const { volumes } = specOf<{ template: { spec: V1PodSpec } }>(objectNamed(manifests, 'Deployment/slipway')).template
    .spec;
  const { secretName, items = [] } = volumes?.find(({ name }) => name === 'settings')?.secret ?? {};
  const texts = (
    environment.network === undefined
      ? objectNamed(manifests, `Secret/${secretName}`).stringData
      : specOf<{ target: { template: { data: object } } }>(objectNamed(manifests, `ExternalSecret/${secretName}`))
          .target.template.data
  ) as Record<string, string>;
  for (const { key, path } of items) writeFileSync(join(folder, path), filledIn(texts[key] ?? ''));
  return folder;
}

function settingsOf(environment: Environment) {
  const manifests = synthesized(environment);
  const variables = { ...(objectNamed(manifests, 'ConfigMap/slipway').data as Record<string, string>) };
  // The authorities of RDS are in the image.
  if (variables.DATABASE_CA_FILE !== undefined) variables.DATABASE_CA_FILE = authority;
  return { variables, settings: loadSettings({ ...variables, SETTINGS_DIR: writeFiles(manifests, environment) }) };
}

const all = [
  ...environments.map((each) => [each.name, each] as const),
  ...everything.map((each) => [`${each.name} with all options`, each] as const),
  ...Object.entries(variants),
];

const metrics = createMetrics('test');

describe('the settings of the service', () => {
  it.each(all)('%s: are taken by its own schema', async (_, environment) => {
    const { settings } = settingsOf(environment);
    expect(settings).toMatchObject({
      PORT: 3000,
      METRICS_PORT: 9090,
      LONGEST_REQUEST_SECONDS: environment.longestRequestSeconds,
      DATABASE_POOL_SIZE: environment.database.poolSize,
      TRUSTED_PROXY_HOPS: environment.proxy ? 2 : 1,
    });
    await expect(settings.DATABASE_CREDENTIALS?.()).resolves.toMatchObject({ username: expect.any(String) });
    await expect(settings.REDIS_CREDENTIALS?.()).resolves.toMatchObject({ password: expect.any(String) });
  });

  it.each(all)('%s: name nothing that it does not know', (_, environment) => {
    const { variables } = settingsOf(environment);
    const known = (name: string) => name in settingsSchema.shape || name.replace(/_FILE$/, '') in settingsSchema.shape;
    // The one name of the AWS SDK, on a laptop.
    expect(Object.keys(variables).filter((name) => !known(name) && name !== 'AWS_SHARED_CREDENTIALS_FILE')).toEqual([]);
  });

  it('would be refused with a value out of its limits', () => {
    const { variables } = settingsOf(environments[0] as Environment);
    expect(() => loadSettings({ ...variables, DATABASE_POOL_SIZE: '0' })).toThrow(
      /DATABASE_POOL_SIZE must be a whole number/,
    );
  });

  it.each(all)(
    '%s: keep connections longer than the load balancer, and time requests out as derived',
    (_, environment) => {
      const server = createApiServer(settingsOf(environment).settings, metrics);
      expect(server.keepAliveTimeout).toBe(environment.derived.keepAliveSeconds * 1000);
      expect(server.keepAliveTimeout).toBeGreaterThan(environment.loadBalancer.idleSeconds * 1000);
      expect(server.requestTimeout).toBe(environment.derived.requestTimeoutSeconds * 1000);
    },
  );
});
