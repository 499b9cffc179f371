// The service as a process of its own: the bundle of this run, a container where the image is under test, or a pod of a cluster.
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { SettingsEnvironment } from '../../service/settings.ts';
import { sharedServers } from './shared-servers.ts';

type Environment = Record<string, string | undefined>;

const podProcess = join(import.meta.dirname, '..', 'cluster', 'support', 'pod-process.ts');
/** A pod's end takes more than its process's: the kubelet is told, reports, and removes it; its grace is 50 s. */
const podEndMs = 55_000;
/** As strict as the manifests run it: no root, nothing to write to but the test's folder, no capability. */
const confinement = ['--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--network=host'];

/** Starts the service with a command, and with nothing of the tester's own environment. */
function launch(
  argv: readonly string[],
  environment: Environment,
  nodeFlags: readonly string[] = [],
): ChildProcessWithoutNullStreams {
  const { dir, program } = sharedServers();
  const PATH = process.env.PATH ?? '';
  if ('main' in program)
    return spawn(process.execPath, [...nodeFlags, program.main, ...argv], { env: { PATH, ...environment } });
  if ('pods' in program) {
    const POD_PROCESS = JSON.stringify({ ...program.pods, environment });
    return spawn(process.execPath, [podProcess, ...argv], { env: { ...process.env, POD_PROCESS } });
  }
  const names = Object.keys(environment).flatMap((name) => ['--env', name]);
  const options = ['--rm', '--sig-proxy=true', ...confinement, '--volume', `${dir}:${dir}`, ...names];
  return spawn('docker', ['run', ...options, program.image, ...argv], { env: { ...process.env, ...environment } });
}

export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command of the service to its end, whatever its exit code. */
export function tryCommand(argv: readonly string[], environment: Record<string, string>): Promise<CommandResult> {
  const child = launch(argv, environment);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}

/** Runs a command that must succeed. @returns its standard output */
export async function runCommand(argv: readonly string[], environment: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await tryCommand(argv, environment);
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}: ${stderr}${stdout}`);
  return stdout.trim();
}

export type LogLine = Record<string, unknown> & { event?: string; level: string };

export interface ServiceProcess {
  url: string;
  port: number;
  metricsUrl: string;
  pid: number;
  process: ChildProcess;
  /** Everything it has logged so far, and anything else it printed as `{level: 'raw', text}`. */
  logs: LogLine[];
  exited: Promise<number | null>;
  /** SIGTERM, and SIGKILL when it has not ended after `withinMs` (20 s). */
  stop(withinMs?: number): Promise<number | null>;
  /** The most memory it has had resident, in bytes (VmHWM). */
  peakMemory(): number;
}

const started = new Set<ServiceProcess>();

/** Starts one replica and waits until it is ready. It is stopped after the test file at the latest (see world.ts). */
export async function startService(
  environment: SettingsEnvironment & Record<string, string | undefined>,
  options: { until?: 'ready' | 'listening'; nodeFlags?: readonly string[] } = {},
): Promise<ServiceProcess> {
  const child = launch([], { PORT: '0', METRICS_PORT: '0', HOST: '127.0.0.1', ...environment }, options.nodeFlags);
  const logs: LogLine[] = [];
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const ready = new Promise<LogLine>((resolve, reject) => {
    let listening: LogLine | undefined;
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (text) => {
        let line: LogLine;
        try {
          line = JSON.parse(text) as LogLine;
        } catch {
          line = { level: 'raw', text };
        }
        logs.push(line);
        if (line.event === 'listening') listening = line;
        if (listening !== undefined && line.event === (options.until ?? 'ready')) resolve(listening);
      });
    }
    child.once('error', reject);
    exited.then((code) => reject(new Error(`the service ended with ${code}: ${JSON.stringify(logs)}`)));
  });
  ready.catch(() => undefined);
  const { port, metricsPort } = (await ready) as LogLine & { port: number; metricsPort: number };
  const service: ServiceProcess = {
    url: `http://127.0.0.1:${port}`,
    port,
    metricsUrl: `http://127.0.0.1:${metricsPort}/metrics`,
    pid: child.pid as number,
    process: child,
    logs,
    exited,
    async stop(withinMs = 20_000) {
      child.kill('SIGTERM');
      child.kill('SIGCONT');
      const late = setTimeout(() => child.kill('SIGKILL'), 'pods' in sharedServers().program ? podEndMs : withinMs);
      const code = await exited;
      clearTimeout(late);
      started.delete(service);
      return code;
    },
    peakMemory() {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
    },
  };
  started.add(service);
  return service;
}

export async function stopServices(): Promise<void> {
  await Promise.all([...started].map((service) => service.stop(3000)));
}
