// Finding a Redis server on this machine and starting it.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { startChild, untilReady } from './child.ts';
import { unpackPackage } from './debian.ts';
import { onPath } from './path.ts';
import { freePort } from './ports.ts';

/** A program and the environment that it needs on top of ours. */
export interface RedisServerProgram {
  command: string;
  env: Readonly<Record<string, string>>;
}

const run = promisify(execFile);
const remedy =
  process.platform === 'darwin'
    ? 'brew install valkey'
    : existsSync('/usr/bin/apt-get')
      ? 'apt-get install redis-server'
      : 'install the package redis or valkey';

/**
 * Finds `redis-server` or `valkey-server`: on the PATH, else, on Debian and Ubuntu, from the distribution's packages,
 * unpacked into `cacheDir` without installing anything and without root.
 *
 * @throws one line that names the command which installs it
 */
export async function findRedisServer(options: {
  cacheDir: string;
  log: (line: string) => void;
}): Promise<RedisServerProgram> {
  for (const name of ['redis-server', 'valkey-server']) {
    const command = onPath(name);
    if (command) return { command, env: {} };
  }
  if (onPath('apt-get') && onPath('dpkg-deb')) {
    try {
      const { root, libraries } = await unpackPackage('redis-server', options.cacheDir, options.log);
      const program = { command: join(root, 'usr/bin/redis-server'), env: { LD_LIBRARY_PATH: libraries.join(':') } };
      await run(program.command, ['--version'], { env: { ...process.env, ...program.env } });
      return program;
    } catch (error) {
      options.log(`Redis could not be had from the packages: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  throw new Error(`Redis is missing: ${remedy}, or set REDIS_URL to a server of yours.`);
}

export interface RedisOptions {
  /** Folder for its data; created when missing. */
  dir: string;
  /** Default: a free one. 0 opens none, for TLS alone. */
  port?: number;
  /** A configuration file, for what must not be seen in the list of processes. */
  config?: string;
  /** Further arguments such as `['--requirepass', 'x']`; they override the defaults. */
  args?: readonly string[];
  server: RedisServerProgram;
  log?: (line: string) => void;
}

export interface RedisServer {
  /** redis://127.0.0.1:PORT */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly exited: Promise<string>;
  /** Saves and ends; SIGKILL after 10 s. */
  stop(): Promise<void>;
}

/**
 * Starts Redis on 127.0.0.1 with an append-only file, synced each second, and resolves when it takes commands.
 *
 * @throws with its last lines when it does not start
 */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const dir = resolve(options.dir);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const port = options.port ?? (await freePort());
  const child = await startChild({
    name: 'Redis',
    command: options.server.command,
    args: [
      ...(options.config === undefined ? [] : [options.config]),
      ...['--bind', '127.0.0.1', '--port', `${port}`, '--dir', dir],
      ...['--appendonly', 'yes', '--save', '', '--daemonize', 'no'],
      ...(options.args ?? []),
    ],
    cwd: dir,
    env: { ...process.env, ...options.server.env },
    ...(options.log ? { log: options.log } : {}),
  });
  // The log says it in English in every version, and it is the only sign that needs no password and no certificate.
  await untilReady(child, 'Redis', 60_000, async () => {
    if (!/Ready to accept connections/i.test(child.lastLines())) return false;
    return port === 0 || (await accepts(port));
  });
  return { url: `redis://127.0.0.1:${port}`, port, pid: child.pid, exited: child.exited, stop: () => child.stop() };
}

/** Whether something accepts connections on this port of 127.0.0.1. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
