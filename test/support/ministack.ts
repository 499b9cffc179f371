// MiniStack: an emulator of AWS on this machine. It answers for the APIs that are asked here; it proves no setting.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accountId } from '../../config/account.ts';
import { freePort } from '../../local/ports.ts';
import { waitFor } from './wait.ts';

/** What pip installed for `make test-infra` and `make load-balancer-controller`. */
export const ministackProgram = join(__dirname, '..', '..', '.cache', 'python', 'bin', 'ministack');

export interface Ministack {
  endpoint: string;
  /** Settings of an AWS client that speaks to it. */
  client: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } };
  /**
   * Asks a service that speaks the query protocol.
   *
   * @param service as it is called in signatures, such as ec2
   * @param version of its API, such as 2016-11-15
   * @returns XML
   */
  query(service: string, version: string, params: Readonly<Record<string, string>>): Promise<string>;
  /** Asks a service that speaks JSON. @param target such as TrentService.ListKeys */
  json<Answer>(service: string, target: string, body: object): Promise<Answer>;
  stop(): Promise<void>;
}

export const signedFor = (service: string, region = 'us-east-1') =>
  `AWS4-HMAC-SHA256 Credential=nobody/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=none`;

/** @param region whose resources it is asked about */
export async function startMinistack(region = 'us-east-1'): Promise<Ministack> {
  const port = await freePort();
  const cwd = mkdtempSync(join(tmpdir(), 'ministack-'));
  const child = spawn(ministackProgram, [], {
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
    client: { endpoint, region, credentials: { accessKeyId: 'nobody', secretAccessKey: 'nothing' } },
    async query(service, version, params) {
      const response = await fetch(endpoint, {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', Authorization: signedFor(service, region) },
        body: new URLSearchParams({ Version: version, ...params }),
      });
      return response.text();
    },
    async json(service, target, body) {
      const response = await fetch(endpoint, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/x-amz-json-1.1',
          'X-Amz-Target': target,
          Authorization: signedFor(service, region),
        },
        body: JSON.stringify(body),
      });
      return (await response.json()) as never;
    },
    async stop() {
      child.kill('SIGKILL');
      await ended;
      rmSync(cwd, { recursive: true, force: true });
    },
  };
}
