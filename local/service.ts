// Running the service's program: its commands, and replicas that are started again when they die.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SettingsEnvironment } from '../service/settings.ts';
import { type Child, startChild } from './child.ts';
import { freePort } from './ports.ts';
import type { State } from './state.ts';

const builder = join(import.meta.dirname, '..', 'service', 'build.mjs');

/** Variables of the machine that a process may need; none of ours, so that settings come from one place only. */
function machineEnvironment(): NodeJS.ProcessEnv {
  const kept = /^(PATH|HOME|LANG|LC_.*|TZ|TMPDIR|AWS_.*|SSL_CERT_.*|NODE_EXTRA_CA_CERTS)$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => kept.test(name)));
}

/** Bundles the service into `dir` and returns its program. A bundle of our own: others may build and use dist/ meanwhile. */
export async function bundle(dir: string): Promise<string> {
  await runNode('the bundler', [builder, dir], {});
  return join(dir, 'main.js');
}

/**
 * Runs a command of the service's program to its end.
 *
 * @returns what it printed
 * @throws with its messages when it fails
 */
export function runCommand(program: string, args: readonly string[], environment: NodeJS.ProcessEnv): Promise<string> {
  return runNode(`${args[0]}`, [program, ...args], environment);
}

function runNode(name: string, args: readonly string[], environment: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      // Ctrl-C is for us to act on.
      detached: true,
      env: { ...machineEnvironment(), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let messages = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      messages += text;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(messages.trim() || output.trim() || `${name} ended with exit code ${code}`));
    });
  });
}

/** What each replica is told, besides its own name and ports. */
export type ReplicaSettings = Omit<SettingsEnvironment, 'INSTANCE' | 'HOST' | 'PORT' | 'METRICS_PORT'>;

/** Name of the file in the state folder that lists the replicas that run now, as `RunningReplica`s. */
export const replicasFile = 'replicas.json';

export interface RunningReplica {
  name: string;
  port: number;
  /** Of /metrics, on 127.0.0.1. */
  metricsPort: number;
}

export interface Replicas {
  /** Ports of those that run now. */
  ports(): number[];
  /** Asks all to drain and waits for their end, at most `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Starts `count` replicas, and a new one, on a new port, for each that dies.
 *
 * @param changed told whenever the ports change
 * @param notice told of each death, in a line for people
 */
export async function startReplicas(
  program: string,
  count: number,
  settings: ReplicaSettings,
  state: State,
  changed: (ports: number[]) => void,
  notice: (line: string) => void,
): Promise<Replicas> {
  const running = new Map<number, RunningReplica & { child: Child }>();
  let stopping = false;
  const ports = () => [...running.keys()];
  const tell = () => {
    const replicas = [...running.values()].map(({ child: _, ...replica }) => replica);
    state.replace(replicasFile, JSON.stringify(replicas satisfies RunningReplica[]));
    if (!stopping) changed(ports());
  };

  const start = async (name: string, waitMs: number): Promise<void> => {
    const [port, metricsPort] = [await freePort(), await freePort()];
    const logFile = state.logFile(name);
    const listens = { HOST: '127.0.0.1', PORT: `${port}`, METRICS_PORT: `${metricsPort}` };
    const own = { INSTANCE: name, ...listens } satisfies SettingsEnvironment;
    const child = await startChild({
      name,
      command: process.execPath,
      args: [program],
      env: { ...machineEnvironment(), ...settings, ...own },
      logFile,
    });
    state.record(name, child.pid);
    running.set(port, { name, port, metricsPort, child });
    tell();
    const started = performance.now();
    void child.exited.then(async (how) => {
      running.delete(port);
      state.forget(child.pid);
      tell();
      if (stopping) return;
      // One that dies at once, again and again, must not keep the machine busy.
      const nextWaitMs = performance.now() - started > 10_000 ? 0 : Math.min(10_000, Math.max(500, waitMs * 2));
      notice(`${name} died (${how}) and is started again; its log: ${logFile}`);
      await sleep(nextWaitMs);
      if (!stopping) await start(name, nextWaitMs);
    });
  };
  await Promise.all(Array.from({ length: count }, (_, index) => start(`replica-${index + 1}`, 0)));
  return {
    ports,
    stop: async (graceMs) => {
      stopping = true;
      await Promise.all([...running.values()].map(({ child }) => child.stop(graceMs)));
    },
  };
}
