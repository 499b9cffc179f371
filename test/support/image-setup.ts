// In place of the global set-up when the image is under test: PostgreSQL and Redis are containers too.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { Client } from 'pg';
import { freePort } from '../../local/ports.ts';
import { prepareTemplate } from './databases.ts';
import { running, setUpWith, startS3 } from './global-setup.ts';
import { shareServers } from './shared-servers.ts';
import { waitFor } from './wait.ts';

function container(image: string, options: readonly string[], argv: readonly string[]): void {
  const name = `slipway-test-${randomBytes(4).toString('hex')}`;
  execFileSync('docker', ['run', '--detach', '--rm', '--network=host', `--name=${name}`, ...options, image, ...argv], {
    stdio: 'pipe',
  });
  running.push({
    async stop() {
      execFileSync('docker', ['rm', '--force', '--volumes', name], { stdio: 'pipe' });
    },
  });
}

const accepts = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.once('error', () => resolve(false)).once('close', () => socket.destroy());
  });

const answers = async (connectionString: string) => {
  const client = new Client({ connectionString });
  return client.connect().then(
    () => client.end().then(() => true),
    () => false,
  );
};

async function start(dir: string): Promise<void> {
  const [postgresPort, redisPort] = [await freePort(), await freePort()];
  const password = randomBytes(12).toString('hex');
  const url = `postgres://postgres:${password}@127.0.0.1:${postgresPort}/postgres`;
  const arguments_ = ['-p', `${postgresPort}`, '-c', 'max_connections=200', '-c', 'fsync=off'];
  container('postgres:15', ['--env', `POSTGRES_PASSWORD=${password}`], arguments_);
  container('redis:7', [], ['redis-server', '--port', `${redisPort}`, '--save', '']);
  await waitFor('Redis in its container', () => accepts(redisPort), 60_000);
  await waitFor('PostgreSQL in its container', () => answers(url), 60_000);
  shareServers({
    dir,
    program: { image: process.env.IMAGE ?? 'slipway:dev' },
    postgres: { url },
    redis: { url: `redis://127.0.0.1:${redisPort}` },
    ...(await startS3(dir)),
  });
  await prepareTemplate(url);
}

export default (): Promise<void> => setUpWith(start);
