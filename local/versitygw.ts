// Finding and starting VersityGW: a real S3 server over a folder, for tests.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { startChild, untilReady } from './child.ts';
import { onPath } from './path.ts';
import { freePort } from './ports.ts';
import { accepts } from './redis.ts';

const version = 'v1.8.0';
const image = `versity/versitygw:${version}`;
const source = `github.com/versity/versitygw/cmd/versitygw@${version}`;

/** How VersityGW is run here. */
export type VersitygwProgram = { command: string } | { image: string };

/**
 * Finds VersityGW: on the PATH, else compiled earlier into `cacheDir`, else a container image when Docker runs, else
 * compiled by Go into `cacheDir` (minutes, once). Undefined when none of them can be had; `log` then says so in one line.
 */
export async function findVersitygw(options: {
  cacheDir: string;
  log: (line: string) => void;
}): Promise<VersitygwProgram | undefined> {
  const { cacheDir, log } = options;
  const compiled = join(cacheDir, `versitygw-${version}`);
  const command = onPath('versitygw') ?? (existsSync(compiled) ? compiled : undefined);
  if (command) return { command };
  if (onPath('docker') && spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 10_000 }).status === 0) {
    const quiet = { stdio: 'ignore', timeout: 120_000 } as const;
    if (spawnSync('docker', ['image', 'inspect', image], quiet).status === 0) return { image };
    log(`Fetching the image ${image} …`);
    if (spawnSync('docker', ['pull', '--quiet', image], quiet).status === 0) return { image };
  }
  if (onPath('go') && (await compile(cacheDir, compiled, log))) return { command: compiled };
  log(`VersityGW ${version} is missing, so S3 tests are skipped: install versitygw, Docker or Go.`);
  return undefined;
}

async function compile(cacheDir: string, target: string, log: (line: string) => void): Promise<boolean> {
  log(`Compiling VersityGW ${version}; this takes minutes, once …`);
  const bin = join(cacheDir, `go-bin.${process.pid}`);
  await mkdir(bin, { recursive: true });
  let packages = 0;
  const progress = (line: string) => {
    if (!/^[\w.-]+(\/[\w.-]+)*$/.test(line)) log(`  ${line}`);
    else if (++packages % 100 === 0) log(`  ${packages} of about 500 packages`);
  };
  const child = await startChild({
    name: 'go install',
    command: 'go',
    args: ['install', '-v', source],
    env: { ...process.env, GOBIN: bin, GOTOOLCHAIN: 'auto' },
    log: progress,
  });
  if ((await child.exited) !== 'exit code 0') return false;
  await rename(join(bin, 'versitygw'), target);
  return true;
}

export interface VersitygwServer {
  /** http://127.0.0.1:PORT */
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly port: number;
  /** The server's process, or with a container the client's that waits for it. */
  readonly pid: number;
  readonly exited: Promise<string>;
  stop(): Promise<void>;
}

/**
 * Starts VersityGW on 127.0.0.1 over `dir` (each folder in it is a bucket) and resolves when it takes connections.
 *
 * @throws with its last lines when it does not start
 */
export async function startVersitygw(options: {
  dir: string;
  /** Default: a free one. */
  port?: number;
  program: VersitygwProgram;
  /** Default: a random pair. Give the old one to start again on the same port for the same clients. */
  credentials?: { accessKey: string; secretKey: string };
  log?: (line: string) => void;
}): Promise<VersitygwServer> {
  const dir = resolve(options.dir);
  await mkdir(dir, { recursive: true });
  const port = options.port ?? (await freePort());
  const { accessKey, secretKey } = options.credentials ?? {
    accessKey: randomBytes(10).toString('hex'),
    secretKey: randomBytes(20).toString('hex'),
  };
  const env = { ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey };
  const child = await startChild({
    name: 'VersityGW',
    ...commandLine(options.program, port, dir),
    env: { ...process.env, ...env },
    ...(options.log ? { log: options.log } : {}),
  });
  await untilReady(child, 'VersityGW', 60_000, () => accepts(port));
  return {
    endpoint: `http://127.0.0.1:${port}`,
    accessKey,
    secretKey,
    port,
    pid: child.pid,
    exited: child.exited,
    stop: () => child.stop(),
  };
}

function commandLine(program: VersitygwProgram, port: number, dir: string): { command: string; args: string[] } {
  if ('command' in program) return { command: program.command, args: ['--port', `127.0.0.1:${port}`, 'posix', dir] };
  return {
    command: 'docker',
    args: [
      ...['run', '--rm', '--init', '--network=host', '-e', 'ROOT_ACCESS_KEY', '-e', 'ROOT_SECRET_KEY'],
      ...['-v', `${dir}:/data`, '--user', `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`],
      ...[program.image, '--port', `127.0.0.1:${port}`, 'posix', '/data'],
    ],
  };
}
