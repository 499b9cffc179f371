// `make scale-test` as far as it needs no cluster: what it refuses, its arithmetic, its numbers and its picture.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { autoscalerOf, profileOf } from '../../k8s/scale-test/autoscaler.ts';
import type { Answer } from '../../k8s/scale-test/load.ts';
import { cpuMillis } from '../../k8s/scale-test/objects.ts';
import { readOptions } from '../../k8s/scale-test/options.ts';
import { plot } from '../../k8s/scale-test/plot.ts';
import { faultsOf, makeReport, type Setup } from '../../k8s/scale-test/report.ts';
import { defaultLoadMillis, enoughPods, wantedReplicas, wayBackSeconds } from '../../k8s/scale-test/rule.ts';
import type { Sample } from '../../k8s/scale-test/sample.ts';
import { makeKey } from '../../k8s/scale-test/target.ts';
import { scopes } from '../../service/caller.ts';
import type { KeyView } from '../../service/stores/keys.ts';
import { scaleTest } from '../cluster/support/scale-test.ts';
import { ask } from '../support/client.ts';
import { runCommand } from '../support/service.ts';
import { createWorld, endWorld, type World } from '../support/world.ts';

const target = {
  deployment: 'slipway',
  container: 'slipway',
  requestMillis: 100,
  selector: '',
  replicas: 2,
  autoscaler: undefined,
};

describe('the flags of make scale-test', () => {
  it.each([
    ['--duration 29', '--duration must be a whole number of seconds from 30 to 3600, not "29"'],
    ['--duration 1e3', '--duration must be a whole number of seconds from 30 to 3600, not "1e3"'],
    ['--load 5', '--load must be a whole number of thousandths of a core from 10 to 64000, not "5"'],
    ['--load 1000', '--load 1000 is more than one core can burn beside the test (900): --force takes it'],
    ['--profile fast', '--profile must be one of responsive, band-50-30, band-80-20, none, not "fast"'],
    ['--windows 10', '--windows needs --profile: it changes its windows'],
    ['--profile none --windows 0', '--windows must be a whole number of percent from 1 to 100, not "0"'],
    ['--namespace Slip_way', '--namespace must be the name of a namespace, not "Slip_way"'],
    ['--url ftp://host', '--url must start with http:// or https://, not "ftp://host"'],
    ['--replicas 3', "Unknown option '--replicas'; --help lists the flags"],
  ])('%s is refused', (flags, fault) => {
    expect(() => readOptions(flags.split(' '))).toThrow(fault);
  });

  it('name every fault at once', () => {
    expect(() => readOptions(['--duration', 'x', '--load', 'y'])).toThrow(/--load must .*\n--duration must .*/);
  });

  it('have defaults, and more than a core is forced', () => {
    expect(readOptions([])).toMatchObject({
      namespace: 'slipway',
      durationSeconds: 180,
      windowPercent: 100,
      force: false,
    });
    expect(readOptions(['--load', '1000', '--force'])).toMatchObject({ loadMillis: 1000 });
  });

  it('list themselves', async () => {
    const test = scaleTest(['--help']);
    expect(await test.ended).toBe(0);
    for (const flag of ['profile', 'windows', 'duration', 'load', 'context', 'namespace', 'url', 'out', 'force'])
      expect(test.said()).toContain(`--${flag}`);
  });

  it.each([
    [
      'an unknown context',
      'kind-nowhere',
      /^The cluster of the context kind-nowhere does not answer .*: make cluster, or another --context\n$/,
    ],
    [
      'a context other than kind-*',
      'shop',
      /^The context shop is not kind-\*, and this test puts load on it: --force takes it all the same\n$/,
    ],
  ])('%s is refused in one line', async (_, context, line) => {
    const folder = mkdtempSync(join(tmpdir(), 'bin-'));
    try {
      // What kubectl says of a context that its file does not have.
      writeFileSync(join(folder, 'kubectl'), '#!/bin/sh\necho "error: context does not exist" >&2\nexit 1\n', {
        mode: 0o755,
      });
      const test = scaleTest(['--context', context], folder);
      expect(await test.ended).toBe(1);
      expect(test.said()).toMatch(line);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a load that the HPA may not serve', () => {
  const spec = {
    scaleTargetRef: { kind: 'Deployment', name: 'slipway' },
    minReplicas: 2,
    maxReplicas: 4,
  };
  const requests = { name: 'slipway', resources: { requests: { cpu: '100m' } } };
  const answers = {
    pods: { items: [] },
    deployments: {
      items: [
        {
          metadata: { name: 'slipway' },
          spec: { replicas: 2, selector: { matchLabels: {} }, template: { spec: { containers: [requests] } } },
        },
      ],
    },
    horizontalpodautoscalers: { items: [{ metadata: { name: 'slipway' }, spec }] },
  };

  it.each([
    ['of its own choice', [], 270, 5],
    ['that was asked for', ['--load', '241'], 241, 5],
  ])('%s is refused before anything is made, with both numbers', async (_, flags, millis, pods) => {
    const service = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
    const folder = mkdtempSync(join(tmpdir(), 'bin-'));
    await once(service, 'listening');
    try {
      const calls = join(folder, 'calls');
      // kubectl whose proxy answers as an API server with this one Deployment.
      const program = `#!${process.execPath}
const args = process.argv.slice(2);
require('node:fs').appendFileSync(${JSON.stringify(calls)}, args[4] + '\\n');
const socket = args.find((each) => each.startsWith('--unix-socket='))?.split('=')[1];
const answers = ${JSON.stringify(answers)};
if (socket) require('node:http')
  .createServer(({ url }, response) => response.end(JSON.stringify(answers[url.split('?')[0].split('/').at(-1)])))
  .listen(socket, () => console.log('Starting'));
`;
      writeFileSync(join(folder, 'kubectl'), program, { mode: 0o755 });
      const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
      const test = scaleTest(['--context', 'kind-shop', '--url', url, ...flags], folder);
      expect(await test.ended).toBe(1);
      expect(test.said()).toBe(
        `A load of ${millis}m wants ${pods} pods at 60 % of 100m each, and maxReplicas is 4: --load 240 or less\n`,
      );
      expect(readFileSync(calls, 'utf8')).not.toMatch(/exec|patch|create|delete/);
    } finally {
      service.close();
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the key of the load', () => {
  let world: World;
  let url: string;
  beforeAll(async () => {
    world = await createWorld();
    url = (await world.start()).url;
  });
  afterAll(() => endWorld());

  /** What the pod of a cluster does, done by this machine. */
  const cluster = {
    context: 'kind-shop',
    namespace: 'shop',
    kubectl: (args: readonly string[]) =>
      runCommand(args.slice(args.indexOf('admin-key')), world.environment as Record<string, string>),
    read: async () => undefined,
    close: () => undefined,
  };
  /** The keys of the test's name. */
  const keys = async () => {
    const { body } = await ask(`${url}/keys`, { headers: { 'X-API-Key': world.adminKey } });
    const all = (body as { keys: KeyView[] }).keys.filter(({ name }) => name === 'scale-test');
    return all.map(({ id, scopes, expiresAt, revokedAt }) => ({
      id,
      scopes: scopes.join(),
      halfMinutes: Math.ceil((Date.parse(expiresAt ?? '') - Date.now()) / 30_000),
      revoked: revokedAt !== null,
    }));
  };
  /** Those that were made by it. */
  const madeBy = async (work: () => Promise<unknown>) => {
    const before = (await keys()).map((each) => each.id);
    await work();
    return (await keys()).filter((each) => !before.includes(each.id));
  };
  const id = expect.any(String);
  const ofPod = { id, scopes: scopes.join(), halfMinutes: 2, revoked: true };
  const revoker = { id, scopes: 'admin', halfMinutes: 1, revoked: false };

  it('may do nothing else, and the admin key by which it was made is revoked', async () => {
    const made = await madeBy(async () => {
      const key = await makeKey(cluster, target, url, 900);
      expect((await ask(`${url}/load/1`, { headers: { 'X-API-Key': key } })).status).toBe(200);
    });
    const ofLoad = { id, scopes: 'load', halfMinutes: 30, revoked: false };
    expect(made).toHaveLength(3);
    expect(made).toEqual(expect.arrayContaining([ofPod, ofLoad, revoker]));
  });

  it('is refused: the admin key is revoked all the same', async () => {
    const made = await madeBy(() =>
      expect(makeKey(cluster, target, url, -1)).rejects.toThrow('must lie in the future'),
    );
    expect(made).toHaveLength(2);
    expect(made).toEqual(expect.arrayContaining([ofPod, revoker]));
  });

  it('cannot be asked for: the admin key that nobody could revoke is named, and ends by itself', async () => {
    const said = jest.spyOn(console, 'log').mockReturnValue();
    const made = await madeBy(() =>
      expect(makeKey(cluster, target, 'http://127.0.0.1:1', 900)).rejects.toThrow('does not answer POST /keys'),
    );
    expect(made).toEqual([{ ...ofPod, revoked: false }]);
    expect(said.mock.calls).toEqual([
      [
        expect.stringMatching(
          new RegExp(`^The admin key ${made[0]?.id} could not be revoked \\(.*\\); it ends by itself at 20.*Z$`),
        ),
      ],
    ]);
    said.mockRestore();
  });
});

describe('the arithmetic of the HPA', () => {
  it('is that of its documentation', () => {
    expect(wantedReplicas(135, 2, 60)).toBe(5);
    expect(wantedReplicas(60, 5, 60)).toBe(5);
    expect(wantedReplicas(36, 5, 50)).toBe(4);
  });

  it('gives a load half-way between two numbers of pods, and the pods that carry it', () => {
    expect(defaultLoadMillis(2, 100, 60)).toBe(270);
    expect(enoughPods(270, 100, 60)).toBe(5);
  });

  it('reads CPU in every unit of the metrics API', () => {
    expect(['100m', '2', '0.5', '2500000n', '1500u'].map(cpuMillis)).toEqual([100, 2000, 500, 2.5, 1.5]);
  });

  it('knows a profile by its HPA, and how long the way back may take', () => {
    for (const profile of ['responsive', 'band-50-30', 'band-80-20', 'none'] as const)
      expect(profileOf(autoscalerOf(target, 'shop', profile, 100))).toBe(profile);
    const wayBack = (profile: 'responsive' | 'band-80-20', maxReplicas: number) => {
      const spec = autoscalerOf(target, 'shop', profile, 100)?.spec;
      return spec && wayBackSeconds({ ...spec, maxReplicas });
    };
    // The window, a period and a sync for each pod, and what is not exact.
    expect(wayBack('responsive', 6)).toBe(300 + 4 * 75 + 90);
    expect(wayBack('responsive', 20)).toBe(300 + 18 * 75 + 90);
    expect(wayBack('band-80-20', 6)).toBe(120 + 4 * 315 + 90);
    const scaleTargetRef = { kind: 'Deployment', name: 'shop' };
    expect(wayBackSeconds({ scaleTargetRef, minReplicas: 2, maxReplicas: 6 })).toBe(300 + 2 * 30 + 90);
  });
});

describe('the report', () => {
  const setup: Setup = {
    context: 'kind-shop',
    namespace: 'shop',
    profile: 'responsive',
    upWindowSeconds: 0,
    downWindowSeconds: 30,
    minReplicas: 2,
    maxReplicas: 6,
    requestMillis: 100,
    targetPercent: 60,
    enoughPods: 5,
    loadMillis: 270,
    durationSeconds: 60,
    burnMs: 40,
  };
  const sample = (at: number, wanted: number, ready: number): Sample => ({
    at,
    wanted,
    ready,
    cpuMillis: 20,
    cpuPods: ready,
  });
  const answer = (sentAt: number, outcome: Answer['outcome'], status?: number): Answer => ({
    sentAt,
    tookMs: 50,
    burntMs: outcome === 'ok' ? 40 : 0,
    outcome,
    ...(status === undefined ? {} : { status }),
  });
  const report = makeReport(
    setup,
    { begin: 0, loadBegin: 10_000, loadEnd: 70_000, end: 120_000 },
    [
      answer(11_000, 'ok', 200),
      answer(12_000, 'busy', 503),
      answer(13_000, 'server_error', 503),
      answer(14_000, 'refused', 429),
      answer(16_000, 'no_answer'),
    ],
    [
      sample(2_000, 2, 2),
      sample(12_000, 2, 2),
      sample(30_000, 5, 2),
      sample(40_000, 5, 5),
      sample(90_000, 2, 3),
      sample(100_000, 2, 2),
    ],
  );

  it('counts from the begin and the end of the load', () => {
    expect(report.numbers).toMatchObject({
      secondsToFirstDecision: 20,
      secondsToEnoughPods: 30,
      secondsBackToMin: 30,
      mostReplicas: 5,
    });
  });

  it('counts burners_busy apart from other 5xx', () => {
    expect(report.numbers).toMatchObject({
      requests: 5,
      serverErrors: 1,
      burnersBusy: 1,
      noAnswer: 1,
      statuses: { 200: 1, 503: 2, 429: 1, none: 1 },
    });
    expect(report.slices[2]).toMatchObject({ atSeconds: 10, answers: 4, burntMillis: 8 });
  });

  it('says null where something never came', () => {
    const never = makeReport(setup, { begin: 0, loadBegin: 0, loadEnd: 1000, end: 2000 }, [], [sample(0, 2, 2)]);
    expect(never.numbers).toMatchObject({ secondsToEnoughPods: null, secondsBackToMin: null, p99Ms: null });
  });

  it('names what should not have been', () => {
    expect(faultsOf(report)).toEqual([
      '1 answers of 5xx',
      '1 answers of burners_busy: --load asked for more than the pods may burn',
      '1 requests without an answer',
    ]);
    const never = makeReport(setup, { begin: 0, loadBegin: 0, loadEnd: 1000, end: 2000 }, [], [sample(0, 2, 2)]);
    expect(faultsOf(never)).toEqual([expect.stringMatching(/never \d ready pods/), 'it did not come back to 2']);
    expect(faultsOf({ ...never, setup: { ...setup, maxReplicas: setup.minReplicas } })).toEqual([]);
  });

  it('is drawn as four panels', () => {
    const svg = plot(report);
    for (const title of [
      'Replicas',
      'Load, thousandths of a core',
      'CPU of a pod, % of its request',
      'Latency of a burn of 40 ms, ms',
    ])
      expect(svg).toContain(`>${title}</text>`);
    expect(svg).not.toMatch(/NaN|undefined/);
  });
});
