// Picks the object store that the settings name. An adapter, and the SDK of the S3 one, is loaded when it is first used.
import { type Calls, unmeasured } from '../../calls.ts';
import { Problem } from '../../errors.ts';
import type { Settings } from '../../settings.ts';
import type { ObjectStore } from './store.ts';

type ObjectSettings = Pick<Settings, 'S3_BUCKET' | 'S3_ENDPOINT' | 'S3_REGION' | 'OBJECTS_DIR'>;

/** What goes along with the calls. */
export interface ObjectParts {
  /** @default unmeasured */
  calls?: Calls;
  /** W3C trace context of the moment, for what is sent to the store. @default that of `put` */
  traceparent?: (() => string | undefined) | undefined;
}

/** A body that breaks off, is too large, or a client that has left is no fault of the store. */
const isFault = (error: unknown) =>
  error instanceof Problem && (error.code === 'objects_unavailable' || error.code === 'storage_full');

async function load(settings: ObjectSettings, traceparent: ObjectParts['traceparent']): Promise<ObjectStore> {
  const { S3_BUCKET, OBJECTS_DIR } = settings;
  if (S3_BUCKET !== undefined) return (await import('./s3.ts')).createS3Store({ ...settings, S3_BUCKET }, traceparent);
  if (OBJECTS_DIR !== undefined) return (await import('./disk.ts')).createDiskStore({ OBJECTS_DIR });
  throw new RangeError('S3_BUCKET or OBJECTS_DIR is required');
}

/** Returns at once, so that the service can listen while the SDK loads. */
export function openObjects(
  settings: ObjectSettings,
  { calls = unmeasured, traceparent }: ObjectParts = {},
): ObjectStore {
  let loading: Promise<ObjectStore> | undefined;
  const adapter = () => {
    loading ??= load(settings, traceparent);
    return loading;
  };
  const put = calls('objects', 'put', isFault);
  const get = calls('objects', 'get', isFault);
  const remove = calls('objects', 'delete', isFault);
  const ping = calls('objects', 'ping');
  return {
    put: (...args) => put(async () => (await adapter()).put(...args)),
    get: (...args) => get(async () => (await adapter()).get(...args)),
    remove: (...args) => remove(async () => (await adapter()).remove(...args)),
    ping: (...args) => ping(async () => (await adapter()).ping(...args)),
    close: async () => (await loading)?.close(),
  };
}
