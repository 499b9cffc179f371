// Starting a real PostgreSQL 15 from the binaries that npm installed, on a folder of its own.
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, closeSync, copyFileSync, existsSync, openSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, realpath, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, startChild, untilReady } from './child.ts';
import { freePort } from './ports.ts';
import { postgresBinaries, postgresUser, type ServerUser as User } from './postgres-binaries.ts';
import { programName, stopProcess, workingFolder } from './processes.ts';

export interface PostgresOptions {
  /** Data folder; created when missing, initialised when empty, else its data is used as it is. */
  dir: string;
  /** Default: a free one. */
  port?: number;
  /** Password of the user postgres for a new folder; default: random. It is kept in the folder. */
  superuserPassword?: string;
  /** Settings of postgresql.conf, such as `{ max_connections: '50' }`. */
  settings?: Readonly<Record<string, string>>;
  /** Offers TLS with this PEM certificate and key. */
  tls?: { certFile: string; keyFile: string };
  /** Receives the server's log, line by line. */
  log?: (line: string) => void;
}

export interface PostgresServer {
  /** postgres://postgres:PASSWORD@127.0.0.1:PORT/postgres, the superuser. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly dir: string;
  /** Resolves when the server process has ended, with what ended it. */
  readonly exited: Promise<string>;
  /** Fast shutdown: ends the sessions, writes a checkpoint; SIGKILL after 10 s. */
  stop(): Promise<void>;
}

const passwordFile = 'superuser.password';

/**
 * Starts PostgreSQL on 127.0.0.1 and resolves when it takes connections. A server that a dead parent left behind on
 * the same folder is stopped first. PostgreSQL refuses to run as root, so root starts it as the folder's owner, or as nobody.
 *
 * @throws when there are no binaries for this platform, or with the server's last lines when it does not start
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const dir = resolve(options.dir);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const user = postgresUser(dir);
  const programs: Programs = { binaries: postgresBinaries(user), user, log: options.log };
  take(dir, user);
  await stopOrphan(dir);
  if (!existsSync(join(dir, 'PG_VERSION'))) await initialise(dir, programs, options.superuserPassword);
  const port = options.port ?? (await freePort());
  const settings = {
    listen_addresses: '127.0.0.1',
    port: `${port}`,
    unix_socket_directories: '',
    ...(options.tls ? useTls(dir, options.tls, user) : {}),
    ...options.settings,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const password = (await readFile(join(dir, passwordFile), 'utf8')).trim();
  const server = await startServer(dir, () => startProgram('postgres', dir, args, programs));
  return {
    url: `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`,
    port,
    pid: server.pid,
    dir,
    exited: server.exited,
    stop: () => server.stop(),
  };
}

interface Programs {
  binaries: string;
  user: User;
  log: ((line: string) => void) | undefined;
}

/** Starts a program of PostgreSQL on a data folder. */
async function startProgram(name: string, dir: string, args: string[], programs: Programs): Promise<Child> {
  const { binaries, user, log } = programs;
  // The parents of the folder may be closed to the user that the program runs as; an inherited descriptor needs no way through them.
  const folder = user && process.platform === 'linux' ? openSync(dir, 'r') : undefined;
  try {
    return await startChild({
      name,
      command: join(binaries, 'bin', name),
      args: ['-D', folder === undefined ? dir : '/proc/self/fd/3', ...args],
      env: {},
      cwd: '/',
      // SIGTERM would wait for the clients to leave.
      stopSignal: 'SIGINT',
      ...(user ? { user } : {}),
      ...(log ? { log } : {}),
      ...(folder === undefined ? {} : { inherit: [folder] }),
    });
  } finally {
    if (folder !== undefined) closeSync(folder);
  }
}

/** Gives a folder to the server's user, closed to others. */
function take(dir: string, user: User): void {
  if (user) chownSync(dir, user.uid, user.gid);
  chmodSync(dir, 0o700);
}

function own(path: string, user: User): void {
  chmodSync(path, 0o600);
  if (user) chownSync(path, user.uid, user.gid);
}

/** Makes the data in a folder beside `dir` and then renames it, so that what a crash interrupts is never taken for data. */
async function initialise(dir: string, programs: Programs, password: string | undefined): Promise<void> {
  if ((await readdir(dir)).length > 0) throw new Error(`${dir} is not empty and holds no PostgreSQL data`);
  const fresh = `${dir}.new`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh);
  take(fresh, programs.user);
  // initdb wants the password in a file that its user can reach.
  const handover = await mkdtemp(join(tmpdir(), 'slipway-'));
  try {
    const given = join(handover, passwordFile);
    writeFileSync(given, `${password ?? randomBytes(18).toString('base64url')}\n`, { mode: 0o600 });
    own(given, programs.user);
    take(handover, programs.user);
    const auth = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${given}`];
    const child = await startProgram(
      'initdb',
      fresh,
      [...auth, '--encoding=UTF8', '--locale=C', '--no-sync'],
      programs,
    );
    const how = await child.exited;
    if (how !== 'exit code 0') throw new Error(`initdb failed (${how}):\n${child.lastLines()}`);
    copyFileSync(given, join(fresh, passwordFile));
    own(join(fresh, passwordFile), programs.user);
    await rename(fresh, dir);
  } finally {
    await rm(handover, { recursive: true });
  }
}

function useTls(dir: string, tls: { certFile: string; keyFile: string }, user: User): Record<string, string> {
  // The server insists that the key is its own and closed to others.
  for (const [from, to] of [
    [tls.certFile, 'server.crt'],
    [tls.keyFile, 'server.key'],
  ] as const) {
    copyFileSync(from, join(dir, to));
    own(join(dir, to), user);
  }
  return { ssl: 'on' };
}

/** Lines of postmaster.pid: 1 process id, 8 state. */
async function postmaster(dir: string): Promise<{ pid: number; state: string } | undefined> {
  try {
    const lines = (await readFile(join(dir, 'postmaster.pid'), 'utf8')).split('\n');
    return { pid: Number(lines[0]), state: lines[7]?.trim() ?? '' };
  } catch {
    return undefined;
  }
}

async function stopOrphan(dir: string): Promise<void> {
  const found = await postmaster(dir);
  if (!found?.pid || programName(found.pid) !== 'postgres') return;
  // The number may belong to another server by now; every server works in its data folder.
  const folder = workingFolder(found.pid);
  if (folder !== undefined && folder !== (await realpath(dir))) return;
  await stopProcess(found.pid, 'SIGINT', 10_000);
}

/** Sessions of a killed server hold its shared memory for a moment, and a new server refuses to start until they are gone. */
async function startServer(dir: string, start: () => Promise<Child>): Promise<Child> {
  for (const deadline = Date.now() + 10_000; ; await sleep(100)) {
    const server = await start();
    try {
      await untilReady(server, 'PostgreSQL', 60_000, async () => {
        const seen = await postmaster(dir);
        return seen?.pid === server.pid && (seen.state === 'ready' || seen.state === 'standby');
      });
      return server;
    } catch (error) {
      if (Date.now() > deadline || !/still in use/.test(server.lastLines())) throw error;
    }
  }
}
