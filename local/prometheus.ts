// Finding Prometheus and promtool on this machine, and starting a Prometheus that scrapes given targets.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { startChild, untilReady } from './child.ts';
import { unpackPackage } from './debian.ts';
import { onPath } from './path.ts';
import { freePort } from './ports.ts';

const run = promisify(execFile);
const remedy =
  process.platform === 'darwin'
    ? 'brew install prometheus'
    : existsSync('/usr/bin/apt-get')
      ? 'apt-get install prometheus'
      : 'install Prometheus from https://prometheus.io/download/';

/** The server and its tool, and the environment that they need on top of ours. */
export interface PrometheusPrograms {
  prometheus: string;
  promtool: string;
  env: Readonly<Record<string, string>>;
  /** Such as `2.42.0`. */
  version: string;
}

/**
 * Finds `prometheus` and `promtool`: on the PATH, else, on Debian and Ubuntu, from the distribution's packages, unpacked
 * into `cacheDir` without installing anything and without root.
 *
 * @throws one line that names the command which installs it
 */
export async function findPrometheus(options: {
  cacheDir: string;
  log: (line: string) => void;
}): Promise<PrometheusPrograms> {
  const prometheus = onPath('prometheus');
  const promtool = onPath('promtool');
  if (prometheus && promtool) {
    // A monitor for games is called prometheus too: only what says its version as the server does is it.
    const version = await versionOf(prometheus, {}).catch(() => undefined);
    if (version !== undefined) return { prometheus, promtool, env: {}, version };
  }
  if (onPath('apt-get') && onPath('dpkg-deb')) {
    try {
      const { root, libraries } = await unpackPackage('prometheus', options.cacheDir, options.log);
      const env = { LD_LIBRARY_PATH: libraries.join(':') };
      const server = join(root, 'usr/bin/prometheus');
      const version = await versionOf(server, env);
      return { prometheus: server, promtool: join(root, 'usr/bin/promtool'), env, version };
    } catch (error) {
      options.log(`Prometheus could not be had from the packages: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  throw new Error(`Prometheus is missing: ${remedy}.`);
}

async function versionOf(server: string, env: Readonly<Record<string, string>>): Promise<string> {
  const { stdout, stderr } = await run(server, ['--version'], { env: { ...process.env, ...env } });
  const version = /^prometheus, version (\d+\.\d+\.\d+)/m.exec(`${stdout}${stderr}`)?.[1];
  if (version === undefined) throw new Error(`${server} does not say its version`);
  return version;
}

/** One thing to scrape; its series carry the labels. */
export interface ScrapeTarget {
  /** host:port, on 127.0.0.1 as a rule. */
  address: string;
  /** Such as namespace, service, pod. `__metrics_path__` overrides /metrics. */
  labels: Readonly<Record<string, string>>;
}

export interface PrometheusOptions {
  /** Folder for configuration and data; created when missing. Data of an earlier run is kept. */
  dir: string;
  programs: PrometheusPrograms;
  /** Default: a free one. */
  port?: number;
  targets?: readonly ScrapeTarget[];
  /** Value of the label `job`; default `slipway`. */
  job?: string;
  /** Text of a rules file, YAML or JSON. */
  rules?: string;
  /** Between two scrapes of a target and two evaluations of a rule; default 5 s. */
  intervalSeconds?: number;
  log?: (line: string) => void;
}

export interface PrometheusServer {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly exited: Promise<string>;
  /** From now on these are scraped, and no others; Prometheus notices within seconds. */
  setTargets(targets: readonly ScrapeTarget[]): Promise<void>;
  /** From now on these rules hold; resolves when they are loaded. @throws in Prometheus' words when it refuses them */
  setRules(text: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts Prometheus on 127.0.0.1 and resolves when it answers queries.
 *
 * @throws with its last lines when it does not start, as for rules that it refuses
 */
export async function startPrometheus(options: PrometheusOptions): Promise<PrometheusServer> {
  const { programs, targets = [], job = 'slipway', rules = '{}', intervalSeconds = 5 } = options;
  const dir = resolve(options.dir);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const port = options.port ?? (await freePort());
  const url = `http://127.0.0.1:${port}`;
  const file = (name: string) => join(dir, name);
  const interval = `${intervalSeconds * 1000}ms`;
  // JSON is YAML, and nothing in it needs quoting rules of ours.
  await replace(
    file('prometheus.yml'),
    JSON.stringify({
      global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
      rule_files: [file('rules.yml')],
      scrape_configs: [{ job_name: job, file_sd_configs: [{ files: [file('targets.json')] }] }],
    }),
  );
  const setTargets = (list: readonly ScrapeTarget[]) =>
    replace(file('targets.json'), JSON.stringify(list.map(({ address, labels }) => ({ targets: [address], labels }))));
  await setTargets(targets);
  await replace(file('rules.yml'), rules);
  const child = await startChild({
    name: 'Prometheus',
    command: programs.prometheus,
    args: [
      `--config.file=${file('prometheus.yml')}`,
      `--storage.tsdb.path=${file('data')}`,
      '--storage.tsdb.retention.time=2d',
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-lifecycle',
    ],
    cwd: dir,
    env: { ...process.env, ...programs.env },
    ...(options.log ? { log: options.log } : {}),
  });
  const ready = async () => {
    const answer = await fetch(`${url}/-/ready`).catch(() => undefined);
    await answer?.body?.cancel();
    return answer?.ok ?? false;
  };
  await untilReady(child, 'Prometheus', 60_000, ready);
  return {
    url,
    port,
    pid: child.pid,
    exited: child.exited,
    setTargets,
    async setRules(text) {
      await replace(file('rules.yml'), text);
      const answer = await fetch(`${url}/-/reload`, { method: 'POST' });
      const said = await answer.text();
      if (answer.ok) return;
      // The answer says only that something is wrong; what it is stands in the log.
      const reason = /loading groups failed" err="((?:[^"\\]|\\.)*)"/.exec(child.lastLines())?.[1];
      throw new Error(`Prometheus refuses the rules: ${reason ?? said.trim()}`);
    },
    stop: () => child.stop(),
  };
}

/** Never half a file for one who reads meanwhile. */
async function replace(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
