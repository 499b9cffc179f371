import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';

const root = join(__dirname, '..', '..');

test('make without a registry ends with what to try next', () => {
  const tree = mkdtempSync(join(tmpdir(), 'slipway-install-'));
  try {
    for (const folder of ['.', 'service', 'local', 'k8s', 'infra']) {
      mkdirSync(join(tree, folder), { recursive: true });
      copyFileSync(join(root, folder, 'package.json'), join(tree, folder, 'package.json'));
    }
    for (const file of ['package-lock.json', 'Makefile', 'local/node', 'local/install', 'local/install.mjs']) {
      mkdirSync(dirname(join(tree, file)), { recursive: true });
      cpSync(join(root, file), join(tree, file));
    }
    const { status, stderr } = spawnSync('make', ['run'], {
      cwd: tree,
      encoding: 'utf8',
      env: {
        ...process.env,
        npm_config_registry: 'http://127.0.0.1:1/',
        npm_config_cache: join(tree, 'cache'),
        npm_config_fetch_retries: '0',
      },
    });
    expect(status).toBe(2);
    const lines = stderr.trimEnd().split('\n');
    expect(lines.at(-2)).toMatch(/^npm ci failed; why is above\. .*: npm config get registry .* npm ping tries it\.$/);
    expect(lines.at(-1)).toMatch(/^make.*: \*\*\* .*Error 1$/);
  } finally {
    rmSync(tree, { recursive: true });
  }
});
