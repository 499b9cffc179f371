// What is tried on the cluster is the cluster, not how much the machine under it can do at once.
import { local } from '../../../config/local.ts';
import type { Manifest } from '../../../k8s/synth.ts';

/** Lets the service wait longer for Redis, which answers late on a machine that is out of breath. */
export const patient = (manifest: Manifest): Manifest & { data?: unknown } =>
  manifest.kind === 'ConfigMap' && manifest.metadata.name === local.service.name
    ? { ...manifest, data: { ...(manifest.data as object), REDIS_TIMEOUT_MS: '2000' } }
    : manifest;
