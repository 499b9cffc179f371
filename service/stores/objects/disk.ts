// Objects as files in a folder, for people without an S3 server. Several replicas may share the folder.
import { constants } from 'node:fs';
import { access, type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Problem } from '../../errors.ts';
import type { Settings } from '../../settings.ts';
import { checkedBody } from './checked-body.ts';
import type { ObjectStore } from './store.ts';

const noRoom = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

function translate(error: unknown): Problem {
  const full = noRoom.has((error as NodeJS.ErrnoException).code ?? '');
  return new Problem(full ? 'storage_full' : 'objects_unavailable', undefined, { cause: error });
}

const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** Makes a rename survive a power cut. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let from = 0; from < chunk.length; ) {
    from += (await file.write(chunk, from, chunk.length - from)).bytesWritten;
  }
}

/** Objects are `<last two characters of the key>/<key>`; a transfer in progress has `.part` behind its name. */
export function createDiskStore(settings: { OBJECTS_DIR: NonNullable<Settings['OBJECTS_DIR']> }): ObjectStore {
  function pathOf(key: string): string {
    if (!/^[\w-]{2,128}$/.test(key)) throw new RangeError('a key has 2 to 128 letters, digits, dashes or underscores');
    return join(settings.OBJECTS_DIR, key.slice(-2), key);
  }

  return {
    async put(key, body, { length, signal }) {
      const path = pathOf(key);
      const part = `${path}.part`;
      const checked = checkedBody(body, length);
      let file: FileHandle | undefined;
      try {
        signal.throwIfAborted();
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        file = await open(part, 'w', 0o600);
        for await (const chunk of checked.chunks) {
          signal.throwIfAborted();
          await writeAll(file, chunk);
        }
        // A row that says the object exists survives a power cut, so the object has to as well.
        await file.datasync();
        await file.close();
        signal.throwIfAborted();
        await rename(part, path);
        await syncFolder(dirname(path));
      } catch (error) {
        await file?.close().catch(() => undefined);
        await rm(part, { force: true }).catch(() => undefined); // `remove` finds what this could not take away
        if (checked.failure) throw checked.failure.error;
        throw signal.aborted ? signal.reason : translate(error);
      }
    },

    async get(key, range) {
      try {
        const file = await open(pathOf(key));
        return file.createReadStream({ ...range, highWaterMark: 256 * 1024 });
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw translate(error);
      }
    },

    async remove(key) {
      const path = pathOf(key);
      try {
        await rm(path, { force: true });
        await rm(`${path}.part`, { force: true });
      } catch (error) {
        throw translate(error);
      }
    },

    async ping() {
      await mkdir(settings.OBJECTS_DIR, { recursive: true, mode: 0o700 });
      await access(settings.OBJECTS_DIR, constants.R_OK | constants.W_OK);
    },

    close: () => Promise.resolve(),
  };
}
