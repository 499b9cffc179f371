// Environments with the options that none of the three has switched on.
import type { Environment } from '../../../config/environment.ts';
import { valuesOf } from '../../../config/environment.ts';
import { environmentNamed } from '../../../config/environments.ts';
import { readImages } from '../../../config/images.ts';
import { redisUi } from '../../../k8s/charts/redis-ui.ts';
import { manifestsOf } from '../../../k8s/synth.ts';
import { committed, environmentNames, type Manifest, variant } from './manifests.ts';

const domain = 'api.example.org';
const tracing = { endpoint: 'http://collector.observability:4318' };
const adapter = (name: string) => [...valuesOf(environmentNamed(name)).prerequisites, 'prometheus-adapter' as const];

/** Every option on its own. */
export const variants = {
  'with TLS': variant('production', { loadBalancer: { domain } }),
  'with paths': variant('production', { loadBalancer: { paths: ['/files', '/session'] } }),
  'without logs, web ACL and protection': variant('production', {
    loadBalancer: { accessLogs: false, webAcl: false, deletionProtection: false },
  }),
  'with Nginx': variant('production', { proxy: true }),
  'with Nginx on a laptop': variant('local', { proxy: true }),
  'with traces': variant('production', { tracing }),
  'with a CPU limit': variant('production', { pod: { cpuLimitMillis: 1500 } }),
  'scaling on memory': variant('production', { scaling: { memoryPercent: 80 } }),
  'scaling on requests': variant('production', {
    scaling: { requestsPerSecond: 200 },
    prerequisites: adapter('production'),
  }),
  'scaling by band-50-30': variant('production', { scaling: { profile: 'band-50-30' } }),
  'scaling by band-80-20': variant('production', { scaling: { profile: 'band-80-20' } }),
  'scaling in at low cost': variant('production', { scaling: { scaleIn: 'cost' } }),
  'without scaling': variant('production', { scaling: { profile: 'none', minReplicas: 3, maxReplicas: 3 } }),
} satisfies Record<string, Environment>;

/** What the Skaffold profile redis-ui deploys: a laptop's manifests, and a page that shows its Redis. */
export const withRedisUi = (): Manifest[] => [
  ...committed('local'),
  ...structuredClone(manifestsOf({ environment: environmentNamed('local'), images: readImages() }, redisUi)),
];

/** Of each environment one with all options at once. */
export const everything: readonly Environment[] = environmentNames.map((name) =>
  variant(name, {
    proxy: true,
    tracing,
    loadBalancer: { domain, paths: ['/', '/files'] },
    scaling: { profile: 'band-50-30', scaleIn: 'cost', memoryPercent: 80, requestsPerSecond: 200 },
    prerequisites: adapter(name),
  }),
);
