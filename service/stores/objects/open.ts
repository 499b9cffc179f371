// Picks the object store that the settings name. An adapter, and the SDK of the S3 one, is loaded when it is first used.
import type { Settings } from '../../settings.ts';
import type { ObjectStore } from './store.ts';

type ObjectSettings = Pick<Settings, 'S3_BUCKET' | 'S3_ENDPOINT' | 'S3_REGION' | 'OBJECTS_DIR'>;

async function load(settings: ObjectSettings): Promise<ObjectStore> {
  const { S3_BUCKET, OBJECTS_DIR } = settings;
  if (S3_BUCKET !== undefined) return (await import('./s3.ts')).createS3Store({ ...settings, S3_BUCKET });
  if (OBJECTS_DIR !== undefined) return (await import('./disk.ts')).createDiskStore({ OBJECTS_DIR });
  throw new RangeError('S3_BUCKET or OBJECTS_DIR is required');
}

/** Returns at once, so that the service can listen while the SDK loads. */
export function openObjects(settings: ObjectSettings): ObjectStore {
  let loading: Promise<ObjectStore> | undefined;
  const adapter = () => {
    loading ??= load(settings);
    return loading;
  };
  return {
    put: async (...args) => (await adapter()).put(...args),
    get: async (...args) => (await adapter()).get(...args),
    remove: async (...args) => (await adapter()).remove(...args),
    ping: async (...args) => (await adapter()).ping(...args),
    close: async () => (await loading)?.close(),
  };
}
