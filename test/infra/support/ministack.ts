// MiniStack: an emulator of AWS on this machine. It answers for the APIs that are asked here; it proves no setting.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accountId } from '../../../config/account.ts';
import { freePort } from '../../../local/ports.ts';
import { waitFor } from '../../support/wait.ts';
import { root } from './templates.ts';

export interface Ministack {
  endpoint: string;
  /** Settings of an AWS client that speaks to it. */
  client: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } };
  stop(): Promise<void>;
}

export async function startMinistack(): Promise<Ministack> {
  const port = await freePort();
  const cwd = mkdtempSync(join(tmpdir(), 'ministack-'));
  const child = spawn(join(root, '.cache', 'python', 'bin', 'ministack'), [], {
    cwd,
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH,
      HOME: cwd,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      MINISTACK_ACCOUNT_ID: accountId,
      // It would start containers for functions and databases.
      DOCKER_HOST: 'tcp://127.0.0.1:1',
    },
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const endpoint = `http://127.0.0.1:${port}`;
  await waitFor(
    'MiniStack to answer',
    async () =>
      fetch(endpoint).then(
        () => true,
        () => false,
      ),
    90_000,
  );
  return {
    endpoint,
    client: { endpoint, region: 'us-east-1', credentials: { accessKeyId: 'nobody', secretAccessKey: 'nothing' } },
    async stop() {
      child.kill('SIGKILL');
      await ended;
      rmSync(cwd, { recursive: true, force: true });
    },
  };
}
