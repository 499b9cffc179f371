// Fills the compile cache of a bundle: starts it once, without any of its servers, and stops it when it listens.
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const dist = process.argv[2] ?? join(import.meta.dirname, '..', 'dist');

const child = spawn(process.execPath, [join(dist, 'main.js')], {
  env: {
    ...process.env,
    NODE_COMPILE_CACHE: join(dist, '.compile-cache'),
    HOST: '127.0.0.1',
    PORT: '0',
    METRICS_PORT: '0',
    DRAIN_SETTLE_SECONDS: '0',
    DATABASE_URL: 'postgres://127.0.0.1:9/none',
    DATABASE_TLS: 'disable',
    REDIS_URL: 'redis://127.0.0.1:9',
    S3_BUCKET: 'none',
    S3_ENDPOINT: 'http://127.0.0.1:9',
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});
let printed = '';
child.stdout.on('data', (chunk) => {
  printed += chunk;
  if (printed.includes('"listening"')) child.kill('SIGTERM');
});
child.once('close', (code) => {
  if (code !== 0) process.stderr.write(`the bundle did not start and stop: ${printed}\n`);
  process.exitCode = code ?? 1;
});
