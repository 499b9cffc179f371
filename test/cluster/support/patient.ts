// For tests that count every failed request: what is tried there is the cluster, not how much the machine under it can do at once.
import type { Manifest } from '../../../k8s/synth.ts';

/** Lets the service wait longer for Redis, which answers late on a machine that is out of breath. */
export const patient = (manifest: Manifest): Manifest & { data?: unknown } =>
  manifest.kind === 'ConfigMap'
    ? { ...manifest, data: { ...(manifest.data as object), REDIS_TIMEOUT_MS: '2000' } }
    : manifest;
