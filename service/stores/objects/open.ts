// Picks the object store that the settings name. The S3 adapter and its SDK are loaded only when they are used.
import type { Settings } from '../../settings.ts';
import type { ObjectStore } from './store.ts';

type ObjectSettings = Pick<Settings, 'S3_BUCKET' | 'S3_ENDPOINT' | 'S3_REGION' | 'OBJECTS_DIR'>;

export async function openObjects(settings: ObjectSettings): Promise<ObjectStore> {
  const { S3_BUCKET, OBJECTS_DIR } = settings;
  if (S3_BUCKET !== undefined) return (await import('./s3.ts')).createS3Store({ ...settings, S3_BUCKET });
  if (OBJECTS_DIR !== undefined) return (await import('./disk.ts')).createDiskStore({ OBJECTS_DIR });
  throw new RangeError('S3_BUCKET or OBJECTS_DIR is required');
}
