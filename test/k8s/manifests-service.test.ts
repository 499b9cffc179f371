// What the manifests promise of data, secrets, hardening and metrics, row by row of docs/features.md.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { V1JobSpec, V1PodSpec } from '@kubernetes/client-node';
import { accountId } from '../../config/account.ts';
import { readImages } from '../../config/images.ts';
import { committed, environmentNames, type Manifest, objectNamed, root, synthesized } from './support/manifests.ts';
import { variants } from './support/variants.ts';
import { ofKind, specOf, workloads } from './support/workloads.ts';

const production = committed('production');
const local = committed('local');

const config = (manifests: readonly Manifest[]) => objectNamed(manifests, 'ConfigMap/slipway').data;
const pod = (manifests: readonly Manifest[]) =>
  specOf<{ template: { spec: V1PodSpec } }>(objectNamed(manifests, 'Deployment/slipway')).template.spec;
/** The names of the files that a pod gets of secrets. */
const files = ({ volumes = [] }: V1PodSpec) =>
  volumes.flatMap(({ secret }) => (secret?.items ?? []).map(({ path }) => path)).sort();

function job(manifests: readonly Manifest[], name: string): V1JobSpec {
  const found = ofKind(manifests, 'Job').find(({ metadata }) => metadata.name.startsWith(`slipway-${name}-`));
  return specOf<V1JobSpec>(found as Manifest);
}

describe('data and secrets', () => {
  it.each([
    ['local', '8'],
    ['staging', '10'],
    ['production', '20'],
  ])('D7: the pool of a replica is bounded: in %s to %s connections', (name, size) => {
    expect(config(committed(name))).toMatchObject({ DATABASE_POOL_SIZE: size });
  });

  it.each(environmentNames)('D8: in %s database and schema are made by Jobs, each under its own user', (name) => {
    const manifests = committed(name);
    expect(ofKind(manifests, 'Job')).toHaveLength(2);
    const pods = ['bootstrap', 'migrate'].map((each) => job(manifests, each).template.spec as V1PodSpec);
    expect(pods.map(({ containers }) => containers[0]?.args)).toEqual([['bootstrap'], ['migrate']]);
    expect(pods.map(({ serviceAccountName }) => serviceAccountName)).toEqual(['slipway-bootstrap', 'slipway-migrate']);
    expect(pods.map(files)).toEqual([
      ['APP_A_CREDENTIALS', 'APP_B_CREDENTIALS', 'DATABASE_MASTER_URL', 'MIGRATOR_CREDENTIALS'],
      ['DATABASE_CREDENTIALS', 'DATABASE_URL'],
    ]);
    expect(files(pod(manifests)).filter((file) => /MASTER|MIGRATOR/.test(file))).toEqual([]);
  });

  it('D8: the service gets the app user, the migration the migrator, and only the bootstrap the master user', () => {
    const entries = (name: string) =>
      specOf<{ dataFrom: { extract: { key: string } }[] }>(
        objectNamed(production, `ExternalSecret/${name}`),
      ).dataFrom.map(({ extract }) => extract.key);
    expect(entries('slipway')).toEqual([
      'slipway/production/endpoints',
      'slipway/production/database/app',
      'slipway/production/redis',
    ]);
    expect(entries('slipway-migrate')).toEqual([
      'slipway/production/endpoints',
      'slipway/production/database/migrator',
    ]);
    expect(entries('slipway-bootstrap')).toEqual([
      'slipway/production/endpoints',
      'slipway/production/database/master',
      'slipway/production/database/migrator',
      'slipway/production/database/app-a',
      'slipway/production/database/app-b',
    ]);
  });

  it('D8: a Job gives up after 15 minutes, and stays when it is done: removed, it would run again with the next deployment', () => {
    for (const name of ['bootstrap', 'migrate']) {
      expect(job(production, name)).toMatchObject({ backoffLimit: 8, activeDeadlineSeconds: 900 });
      expect(job(production, name)).not.toHaveProperty('ttlSecondsAfterFinished');
    }
  });

  it('A8: endpoints and credentials come from Secrets Manager, refreshed each minute', () => {
    expect(specOf(objectNamed(production, 'SecretStore/slipway'))).toEqual({
      provider: { aws: { service: 'SecretsManager', region: 'us-east-1' } },
    });
    expect(specOf(objectNamed(production, 'ExternalSecret/slipway'))).toMatchObject({
      refreshInterval: '1m0s',
      secretStoreRef: { kind: 'SecretStore', name: 'slipway' },
      target: {
        name: 'slipway',
        creationPolicy: 'Owner',
        template: {
          engineVersion: 'v2',
          data: {
            DATABASE_URL: 'postgres://{{ .endpoints_writer }}/slipway',
            DATABASE_READER_URL: 'postgres://{{ .endpoints_reader }}/slipway',
            DATABASE_CREDENTIALS: '{"username":{{ .app_username | toJson }},"password":{{ .app_password | toJson }}}',
            REDIS_URL: 'rediss://{{ .endpoints_redis }}',
            REDIS_CREDENTIALS: '{"username":{{ .redis_username | toJson }},"password":{{ .redis_password | toJson }}}',
          },
        },
      },
    });
  });

  it('A8: pods get them as files that only they can read', () => {
    const { containers, volumes } = pod(production);
    expect(volumes?.[0]?.secret).toMatchObject({ secretName: 'slipway', defaultMode: 0o440 });
    expect(files(pod(production))).toEqual([
      'DATABASE_CREDENTIALS',
      'DATABASE_READER_URL',
      'DATABASE_URL',
      'REDIS_CREDENTIALS',
      'REDIS_URL',
    ]);
    expect(files(pod(committed('staging')))).not.toContain('DATABASE_READER_URL');
    expect(containers[0]).toMatchObject({
      env: [{ name: 'SETTINGS_DIR', value: '/run/settings' }],
      volumeMounts: [{ name: 'settings', mountPath: '/run/settings', readOnly: true }],
    });
  });

  it('A8: what is no secret comes from a ConfigMap, and a change of it rolls the pods', () => {
    expect(config(production)).toEqual({
      PORT: '3000',
      METRICS_PORT: '9090',
      LOG_LEVEL: 'info',
      TRUSTED_PROXY_HOPS: '1',
      LONGEST_REQUEST_SECONDS: '300',
      LOAD_BALANCER_IDLE_SECONDS: '60',
      DATABASE_POOL_SIZE: '20',
      DATABASE_CA_FILE: '/app/rds-ca.pem',
      S3_BUCKET: `slipway-production-files-${accountId}`,
      S3_REGION: 'us-east-1',
    });
    const checksum = (manifests: readonly Manifest[]) =>
      specOf<{ template: { metadata: { annotations: Record<string, string> } } }>(
        objectNamed(manifests, 'Deployment/slipway'),
      ).template.metadata.annotations['checksum/settings'];
    expect(checksum(synthesized(variants['with TLS']))).toBe(checksum(production));
    expect(checksum(synthesized(variants['with Nginx']))).not.toBe(checksum(production));
  });
});

describe('hardening', () => {
  it.each(environmentNames)('A10: in %s the namespace enforces Pod Security restricted', (name) => {
    expect(objectNamed(committed(name), 'Namespace/slipway').metadata.labels).toMatchObject({
      'pod-security.kubernetes.io/enforce': 'restricted',
      'pod-security.kubernetes.io/enforce-version': 'v1.35',
      'pod-security.kubernetes.io/warn': 'restricted',
      'pod-security.kubernetes.io/audit': 'restricted',
    });
  });

  it.each(environmentNames)(
    'A10: in %s every container, first, second and of a Job, runs without privileges',
    (name) => {
      for (const { id, spec, containers } of workloads(committed(name))) {
        expect({ id, ...spec.securityContext }).toMatchObject({
          runAsNonRoot: true,
          seccompProfile: { type: 'RuntimeDefault' },
        });
        expect([id, spec.automountServiceAccountToken, spec.enableServiceLinks]).toEqual([id, false, false]);
        for (const { securityContext } of containers) {
          expect(securityContext).toEqual({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            runAsNonRoot: true,
            capabilities: { drop: ['ALL'] },
          });
        }
      }
    },
  );
});

describe('O5: metrics', () => {
  it.each(environmentNames)('of every pod are scraped each 15 s in %s, by the name of the port', (name) => {
    expect(specOf(objectNamed(committed(name), 'ServiceMonitor/slipway'))).toEqual({
      selector: { matchLabels: { 'app.kubernetes.io/name': 'slipway', 'app.kubernetes.io/component': 'web' } },
      namespaceSelector: { matchNames: ['slipway'] },
      endpoints: [{ port: 'metrics', path: '/metrics', interval: '15s', scrapeTimeout: '10s' }],
      podTargetLabels: ['app.kubernetes.io/version'],
    });
  });

  it('are on a port of their own, which no Ingress names', () => {
    expect(pod(production).containers[0]?.ports).toContainEqual({ name: 'metrics', containerPort: 9090 });
    expect(JSON.stringify(objectNamed(production, 'Ingress/slipway').spec)).not.toContain('metrics');
  });
});

describe('P7: what is applied', () => {
  it('stands on its own: nothing in it is left to be filled in', () => {
    for (const name of environmentNames) {
      for (const file of readdirSync(join(root, 'charts-out', name))) {
        const text = readFileSync(join(root, 'charts-out', name, file), 'utf8');
        expect(text).not.toMatch(/\$\{|<[A-Z_]+>|CHANGE_?ME|Token\[/);
        expect(text.startsWith('# Made by `make synth` from config/ and k8s/')).toBe(true);
      }
    }
  });
});

describe('a laptop has what production has', () => {
  const kinds = (manifests: readonly Manifest[]) => [...new Set(manifests.map(({ kind }) => kind))].sort();

  it('but for data stores of its own, and a Secret in place of Secrets Manager', () => {
    const only = (some: string[], others: string[]) => some.filter((kind) => !others.includes(kind));
    expect(only(kinds(local), kinds(production))).toEqual(['Secret', 'StatefulSet']);
    expect(only(kinds(production), kinds(local))).toEqual(['ExternalSecret', 'SecretStore']);
  });

  it.each([
    ['postgres', 'postgres:15-bookworm', 5432],
    ['redis', 'redis:7-bookworm', 6379],
    ['s3', 'versity/versitygw:v1.8.0', 7070],
  ])('%s runs as one pod of %s on port %i, with a volume', (name, image, port) => {
    const set = specOf<{ replicas: number; template: { spec: V1PodSpec }; volumeClaimTemplates: unknown[] }>(
      objectNamed(local, `StatefulSet/${name}`),
    );
    expect([set.replicas, set.volumeClaimTemplates.length]).toEqual([1, 1]);
    expect(set.template.spec.containers).toMatchObject([{ image, ports: [{ name, containerPort: port }] }]);
  });

  it('is reached by a port of its nodes, and its service by the image that was built here', () => {
    expect(specOf(objectNamed(local, 'Service/slipway'))).toMatchObject({
      type: 'NodePort',
      ports: [{ name: 'http', nodePort: 30_080 }, { name: 'metrics' }],
    });
    expect(pod(local).containers[0]).toMatchObject({ image: 'slipway:dev', imagePullPolicy: 'IfNotPresent' });
    const { tag, digest } = readImages().service.production ?? {};
    const reference = `slipway:${tag}${digest === undefined ? '' : `@${digest}`}`;
    expect(pod(production).containers[0]?.image).toBe(`${accountId}.dkr.ecr.us-east-1.amazonaws.com/${reference}`);
  });

  it('has no TLS to its stores, which production insists on', () => {
    expect(config(local)).toMatchObject({ DATABASE_TLS: 'disable', S3_ENDPOINT: 'http://s3:7070' });
    expect(config(production)).not.toHaveProperty('DATABASE_TLS');
    expect(config(production)).not.toHaveProperty('S3_ENDPOINT');
  });
});
