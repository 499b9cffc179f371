// `make observe` as a command: what it follows, what it says when something is missing or wrong, and how it ends.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unpackPackage } from '../../local/debian.ts';
import { type Data, type Model, rangesMinutes } from '../../local/observe/page/shapes.ts';
import { cacheFolder } from '../../local/path.ts';
import { freePort } from '../../local/ports.ts';
import { isRunning, processTree } from '../../local/processes.ts';
import { findPrometheus, type PrometheusServer, startPrometheus } from '../../local/prometheus.ts';
import { machineScope, ruleGroups, rulesFile } from '../../observability/rules/index.ts';
import { waitFor } from '../support/wait.ts';
import { answering, endAnswering, guarded, ofVersion } from './support/answers.ts';
import {
  type Command,
  endCommands,
  type Run,
  startCommand,
  startObserve,
  startRun,
  stateFolder,
  untilPrinted,
} from './support/commands.ts';

jest.setTimeout(480_000);
/** Rules run so many times faster, so that what waits for minutes fires in seconds. */
const timeScale = 60;

let run: Run;
let prometheus: PrometheusServer;
let prometheusDir: string;

interface Replica {
  name: string;
  metricsPort: number;
}
const replicas = () => JSON.parse(readFileSync(join(run.stateDir, 'replicas.json'), 'utf8')) as Replica[];
const place = ['--namespace', 'local', '--service', 'slipway'];
const targets = () =>
  replicas().map(({ name, metricsPort }) => ({
    address: `127.0.0.1:${metricsPort}`,
    labels: { namespace: 'local', service: 'slipway', pod: name },
  }));
const data = async (url: string) => (await (await fetch(`${url}/data.json?minutes=15`)).json()) as Data;
const findings = async (url: string) =>
  (await data(url)).findings.map(({ what, remedy }) => `${what} ${remedy}`).join('\n');

/** Runs the command to its end. */
async function ended(
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<{ code: number | null; output: string }> {
  const command: Command = startCommand('observe.ts', args, { SLIPWAY_STATE: stateFolder(), ...environment });
  const code = await command.exited;
  return { code, output: command.output().trim() };
}

beforeAll(async () => {
  run = await startRun(stateFolder());
  prometheusDir = mkdtempSync(join(tmpdir(), 'slipway-prometheus-'));
  prometheus = await startPrometheus({
    dir: prometheusDir,
    programs: await findPrometheus({ cacheDir: cacheFolder(), log: () => {} }),
    targets: targets(),
    rules: rulesFile(ruleGroups(machineScope('slipway'), timeScale)),
    intervalSeconds: 1,
  });
});
afterAll(async () => {
  await endCommands();
  endAnswering();
  await prometheus?.stop();
  rmSync(prometheusDir, { recursive: true, force: true });
});

describe('the command', () => {
  it('says what it can do', async () => {
    const { code, output } = await ended(['--help']);
    expect(code).toBe(0);
    for (const word of ['--port', '--prometheus', '--namespace', '--service', 'make run'])
      expect(output).toContain(word);
  });

  it.each([
    [['--colour'], "Unknown option '--colour'; see make observe"],
    [['now'], 'Unexpected argument'],
    [['--port', '0'], '--port must be a whole number from 1 to 65535, not "0"'],
    [['--port', 'http'], '--port must be a whole number'],
    [['--prometheus', 'localhost:9090'], '--prometheus must be a URL such as http://127.0.0.1:9090'],
    [['--prometheus', 'htp://me:hunter2@host'], 'http://127.0.0.1:9090, not "…@host"'],
    [['--prometheus', 'http://me:100%@host'], 'write a % of the user or the password as %25'],
    [['--namespace', 'x'], '--namespace is of use only with --prometheus URL'],
    [['--prometheus', 'http://127.0.0.1:9090', '--service', 'a"} or up{'], '--service must be a name of Kubernetes'],
    [[], 'start the service first, in another terminal: make run'],
  ])('%j is answered by one line', async (args, words) => {
    const { code, output } = await ended(args);
    expect(code).toBe(1);
    expect(output).toContain(words);
    expect(output.split('\n')).toHaveLength(1);
  });

  it('names the remedy when there is no Prometheus on the machine', async () => {
    const { code, output } = await ended([], { SLIPWAY_STATE: run.stateDir, PATH: '/nowhere' });
    expect(code).toBe(1);
    expect(output).toMatch(/^Prometheus is missing: .*install.*\.$/m);
    expect(output).not.toContain('    at ');
  });

  it('follows the replicas of make run, ends at Ctrl-C with all that it started, and starts again', async () => {
    const first = await startObserve(run.stateDir);
    const second = await ended([], { SLIPWAY_STATE: run.stateDir });
    expect(second).toEqual({
      code: 1,
      output: expect.stringMatching(/^make observe is running already \(process \d+\)/),
    });
    const reset = startCommand('reset.ts', [], { SLIPWAY_STATE: run.stateDir });
    expect(await reset.exited).toBe(1);

    const instances = async () => (await data(first.url)).panels['active-instances']?.series[0]?.values[0];
    await waitFor('both replicas', async () => (await instances()) === 2, 90_000, 500);
    const processes = JSON.parse(readFileSync(join(run.stateDir, 'processes.json'), 'utf8')) as {
      name: string;
      pid: number;
    }[];
    const before = replicas();
    process.kill(processes.find(({ name }) => name === 'replica-1')?.pid ?? 0, 'SIGKILL');
    await waitFor(
      'another replica-1',
      () =>
        replicas().length === 2 && replicas().some((one) => !before.some((old) => old.metricsPort === one.metricsPort)),
      60_000,
    );
    await waitFor(
      'both replicas again',
      async () => (await instances()) === 2 && (await findings(first.url)) === '',
      90_000,
      500,
    );

    const tree = processTree(first.process.pid ?? 0);
    expect(tree.length).toBeGreaterThan(1);
    expect(await first.interrupt()).toBe(0);
    expect(tree.filter(isRunning)).toEqual([]);
    const again = await startObserve(run.stateDir);
    expect((await data(again.url)).times).toHaveLength(181);
    expect(await again.interrupt()).toBe(0);
  });

  it('takes the next port when the usual one is taken, and says so when the wanted one is', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as AddressInfo;
    const refused = await ended(['--prometheus', prometheus.url, '--port', `${port}`]);
    blocker.close();
    expect(refused.code).toBe(1);
    expect(refused.output).toContain(`Port ${port} is taken; choose another: --port ${port + 1}`);
    const two = [1, 2].map(() => startCommand('observe.ts', ['--prometheus', prometheus.url, ...place], {}));
    for (const command of two) await untilPrinted(command, 'Ctrl-C stops');
    const ports = two.map((command) => /dashboards +http:\/\/localhost:(30[34]\d)/.exec(command.output())?.[1]);
    expect(new Set(ports).size).toBe(2);
    expect(ports).not.toContain(undefined);
    for (const command of two) expect(await command.interrupt()).toBe(0);
  });
});

describe('with an existing Prometheus', () => {
  it('draws all panels and shows what fires, with a link to what to do', async () => {
    await prometheus.setTargets([
      ...targets(),
      {
        address: `127.0.0.1:${await freePort()}`,
        labels: { namespace: 'local', service: 'slipway', pod: 'replica-9' },
      },
    ]);
    const observe = await startObserve(run.stateDir, ['--prometheus', prometheus.url, ...place]);
    const model = (await (await fetch(`${observe.url}/model.json`)).json()) as Model;
    expect(
      model.dashboards
        .flatMap(({ rows }) => rows.flatMap(({ panels }) => panels))
        .filter(({ elsewhere }) => elsewhere.length > 0),
    ).toEqual([]);
    await waitFor(
      'the alert',
      async () =>
        (await data(observe.url)).alerts?.some(
          ({ name, state }) => name === 'ReplicaNotScraped' && state === 'firing',
        ) ?? false,
      120_000,
      500,
    );
    const { alerts } = await data(observe.url);
    const alert = alerts?.find(({ name }) => name === 'ReplicaNotScraped');
    expect(alert).toMatchObject({
      severity: 'ticket',
      summary: 'A replica does not answer Prometheus',
      about: 'pod replica-9',
    });
    const runbook = await fetch(`${observe.url}${alert?.runbook}`);
    expect(runbook.status).toBe(200);
    expect(await runbook.text()).toContain('Replica not scraped');
    expect((await fetch(`${observe.url}/runbook/no-such-section`)).status).toBe(404);
    expect(await findings(observe.url)).toMatch(/gets no metrics from 1 of 3 replicas: replica-9/);
    await prometheus.setTargets(targets());
    expect(await observe.interrupt()).toBe(0);
  });

  it('says when nothing answers', async () => {
    const { code, output } = await ended(['--prometheus', `http://127.0.0.1:${await freePort()}`]);
    expect(code).toBe(1);
    expect(output).toMatch(
      /does not answer \(ECONNREFUSED\)\. Start it, or its port-forward, and then make observe again/,
    );
    expect(output).not.toContain('by itself');
  });

  it('that wants to know who asks is told, and nobody else is', async () => {
    const closed = new URL(await guarded(prometheus.url, 'me:p@ss%'));
    const refused = await ended(['--prometheus', closed.href]);
    expect(refused.code).toBe(1);
    expect(refused.output).toMatch(/does not let you in \(HTTP 401\)\. Give the right user and password/);
    const wrong = await ended(['--prometheus', `http://me:hunter2@${closed.host}`]);
    expect(wrong).toEqual({ code: 1, output: expect.stringContaining(`Prometheus at ${closed.origin} does not let`) });
    expect(wrong.output).not.toContain('hunter2');

    const args = ['--prometheus', `http://me:p%40ss%25@${closed.host}`, ...place];
    const observe = await startObserve(run.stateDir, args);
    expect((await data(observe.url)).panels['active-instances']?.series).toHaveLength(1);
    const model = await (await fetch(`${observe.url}/model.json`)).text();
    for (const text of [observe.output(), model]) {
      expect(text).toContain(closed.origin);
      expect(text).not.toMatch(/p@ss|p%40ss/);
    }
    expect(await observe.interrupt()).toBe(0);
  });

  it.each([
    ['a page', 200, '<html>a login</html>'],
    ['an error', 502, ''],
    ['other JSON', 200, '{"status":"success","data":{"hello":"world"}}'],
    ['no JSON object', 200, 'null'],
  ])('says when what answers is %s', async (_, status, body) => {
    const url = await answering((_request, response) => response.writeHead(status).end(body));
    const { code, output } = await ended(['--prometheus', url]);
    expect(code).toBe(1);
    expect(output).toContain(`What answers at ${url} is not Prometheus:`);
    expect(output).toContain('--prometheus http://127.0.0.1:9090');
    expect(output).not.toContain('    at ');
  });

  it('says when it is too old, and draws what it can', async () => {
    const url = await ofVersion('2.30.1', prometheus.url);
    const observe = await startObserve(run.stateDir, ['--prometheus', url, ...place]);
    await untilPrinted(observe, 'is of version 2.30.1; panels may be empty or wrong. Use 2.40 or later.');
    const { findings: found, panels } = await data(observe.url);
    expect(found.filter(({ what }) => what.includes('version'))).toHaveLength(1);
    expect(panels['active-instances']?.series).toHaveLength(1);
    expect(await observe.interrupt()).toBe(0);
  });

  it('says when it has no series of the service', async () => {
    const observe = await startObserve(run.stateDir, ['--prometheus', prometheus.url, '--namespace', 'elsewhere']);
    await untilPrinted(
      observe,
      'no series yet of namespace elsewhere, service slipway. Check --namespace and --service',
    );
    expect((await data(observe.url)).panels.requests).toEqual({ series: [] });
    expect(await observe.interrupt()).toBe(0);
  });

  it('says when the clocks differ by more than 30 s', async () => {
    const { root } = await unpackPackage('libfaketime', cacheFolder(), () => {});
    const library = join(
      root,
      'usr/lib',
      `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`,
      'faketime/libfaketimeMT.so.1',
    );
    const off = { LD_PRELOAD: library, FAKETIME: '-120s', FAKETIME_DONT_FAKE_MONOTONIC: '1' };
    const observe = await startObserve(run.stateDir, ['--prometheus', prometheus.url, ...place], off);
    await untilPrinted(observe, /The clock of Prometheus is 1[12]\d s ahead of that of this machine.*timedatectl/);
    const { now, times } = await data(observe.url);
    // What is drawn is of Prometheus' time, or it would be the past.
    expect(now - (times.at(-1) ?? 0)).toBeLessThan(6);
    expect(Math.abs(now - Date.now() / 1000)).toBeLessThan(30);
    expect(await observe.interrupt()).toBe(0);
  });
});

describe('its server', () => {
  it('is for browsers of this machine, and only answers what the page asks', async () => {
    const { url, interrupt } = await startObserve(run.stateDir, ['--prometheus', prometheus.url, ...place]);
    const status = (path: string, options: { method?: string; host?: string } = {}) =>
      new Promise<number | undefined>((resolve, reject) => {
        const { method = 'GET', host } = options;
        const asked = request(`${url}${path}`, { method, ...(host === undefined ? {} : { headers: { host } }) });
        asked
          .once('response', (response) => resolve(response.resume().statusCode))
          .once('error', reject)
          .end();
      });
    expect(await status('/')).toBe(200);
    expect(await status('/', { host: 'attacker.example' })).toBe(403);
    expect(await status('/', { method: 'POST' })).toBe(405);
    expect(await status('/data.json?minutes=10000')).toBe(400);
    expect(await status('/api/v1/query?query=up')).toBe(404);
    expect(await status('/%2e%2e/options.ts')).toBe(404);
    for (const minutes of rangesMinutes) expect(await status(`/data.json?minutes=${minutes}`)).toBe(200);
    const page = await fetch(url);
    expect(page.headers.get('Content-Security-Policy')).toContain("default-src 'none'");
    expect(await interrupt()).toBe(0);
  });

  it('says that make run has ended', async () => {
    const observe = await startObserve(run.stateDir);
    expect(await run.interrupt()).toBe(0);
    await untilPrinted(observe, 'make run has ended: there are no new numbers. Start it again: make run');
    expect(await observe.interrupt()).toBe(0);
  });
});
