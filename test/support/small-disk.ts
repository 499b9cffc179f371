// A file system that is full after a few megabytes: a tmpfs of limited size. Mounting one takes root.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sharedServers } from './shared-servers.ts';

export interface SmallDisk {
  path: string;
  /** Unmounts it, whatever is on it. */
  remove(): void;
}

export const canMount = process.platform === 'linux' && process.getuid?.() === 0;

/** describe, when a tmpfs can be mounted; else its tests count as skipped. */
export const describeSmallDisk: jest.Describe = canMount ? describe : describe.skip;

export function createSmallDisk(megabytes: number): SmallDisk {
  const path = mkdtempSync(join(sharedServers().dir, 'small-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path]);
  return {
    path,
    remove() {
      execFileSync('umount', ['-l', path]);
      rmSync(path, { recursive: true, force: true });
    },
  };
}
