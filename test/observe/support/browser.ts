// A real browser: Debian's chromium, that of the machine or unpacked into the cache without installing it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';
import { unpackPackage } from '../../../local/debian.ts';
import { cacheFolder, onPath } from '../../../local/path.ts';

const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface Browser {
  context: BrowserContext;
  close(): Promise<void>;
}

/** Starts it with an empty profile. */
export async function openBrowser(options: { colorScheme?: 'light' | 'dark'; width?: number } = {}): Promise<Browser> {
  const { colorScheme = 'light', width = 1280 } = options;
  const profile = mkdtempSync(join(tmpdir(), 'slipway-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    ...(await program()),
    args: flags,
    colorScheme,
    viewport: { width, height: 900 },
  });
  return {
    context,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

async function program(): Promise<{ executablePath: string; env?: Record<string, string> }> {
  const installed = onPath('chromium');
  if (installed) return { executablePath: installed };
  const { root, libraries } = await unpackPackage('chromium', cacheFolder(), (line) =>
    process.stdout.write(`${line}\n`),
  );
  // Its start script looks in /usr/lib alone.
  return {
    executablePath: join(root, 'usr/lib/chromium/chromium'),
    // One library looks for another in a folder of its own.
    env: {
      ...(process.env as Record<string, string>),
      LD_LIBRARY_PATH: libraries.flatMap((folder) => [folder, join(folder, 'pulseaudio')]).join(':'),
    },
  };
}
