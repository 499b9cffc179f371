// Every command of the runbooks, taken from docs/operations.md and pasted into a shell, and what it changes; and the lines for jq in docs/logs.md.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { local } from '../../config/local.ts';
import { sectionOf } from '../../local/observe/runbook.ts';
import { operations, writtenIn } from '../observability/support/operations.ts';
import { findJq } from '../support/jq.ts';
import { waitFor } from '../support/wait.ts';
import { get, isReady, type KubeObject, type Pod } from './support/kubectl.ts';
import { killByKernel } from './support/main-process.ts';
import { hasPrometheus } from './support/monitoring-prometheus.ts';
import { type Paste, pasteInto } from './support/paste.ts';
import { createPsql, endWhatBlocks, inPostgres } from './support/psql.ts';
import { type ClusterWorld, createWorld } from './support/world.ts';

const sections = ['the-first-minute', 'inside-the-stores', 'runbooks'];
const written = new Set(sections.flatMap((anchor) => writtenIn(sectionOf(operations, anchor) ?? '')));

/** Of what is marked as code and has a blank in it, what nobody is to run: messages, states, settings. */
const noCommands = [
  ...['redis: up', 'postgres: up', 'password authentication failed', 'Last State'],
  ...['database.reader: false', 'database.reader: true'],
];
const commands = [...written].filter((text) => text.includes(' ') && !noCommands.includes(text));

/** By the word that they begin with. */
const leftOut: Readonly<Record<string, string>> = {
  aws: 'wants an account of AWS; test/observability/commands.test.ts holds it against the arguments that it requires',
  make: 'works on the checkout, not on the cluster; its targets have tests of their own',
};
const isLeftOut = (command: string) => Object.hasOwn(leftOut, command.split(' ', 1)[0] as string);

const ofMonitoring =
  /^kubectl get pods --all-namespaces --selector=app.kubernetes.io\/name=(prometheus|kube-state-metrics)$/;
const reads =
  /^kubectl (--namespace slipway )?(get|describe|logs --selector=\S+|top|rollout (history|status)) |-- node -e "fetch\(/;
const reading = commands.filter((command) => reads.test(command));
const queries = commands.filter((command) => command.startsWith('SELECT '));

const there = hasPrometheus(local.monitoringNamespace);

/** By which `kubectl drain` is kept to the pods of this test. */
const mine = { name: 'test-runbooks', value: 'drained' };

let world: ClusterWorld;
beforeAll(async () => {
  world = await createWorld({
    name: 'test-runbooks',
    nodePort: 30_117,
  });
  await world.apply((manifest) => {
    if (manifest.kind !== 'Deployment') return manifest;
    const changed = structuredClone(manifest) as typeof manifest & {
      spec: { template: { metadata: { labels: Record<string, string> } } };
    };
    changed.spec.template.metadata.labels[mine.name] = mine.value;
    return changed;
  });
  await world.ready();
});
afterAll(() => world?.end());

const paste: Paste = (...args) => pasteInto(world.namespace)(...args);

interface Deployment extends KubeObject {
  spec: { template: { metadata: { annotations?: Record<string, string> }; spec: { containers: { image: string }[] } } };
}
const deployment = () => get<Deployment>('deployment', 'slipway', '--namespace', world.namespace);
const replicaSets = async () =>
  (await get<{ items: KubeObject[] }>('replicasets', '--namespace', world.namespace)).items;
const readyPod = async () => (await world.pods()).find(isReady) as Pod;
const same = async ({ metadata: { uid } }: Pod) => (await world.pods()).find(({ metadata }) => metadata.uid === uid);

const inPsql = `kubectl --namespace slipway exec --stdin --tty psql -- sh -c 'psql "$(cat /run/settings/DATABASE_MASTER_URL)"'`;

const restartMetrics =
  'kubectl --namespace monitoring rollout restart deployment --selector=app.kubernetes.io/name=kube-state-metrics';
const raise = `kubectl --namespace slipway patch horizontalpodautoscaler slipway --patch '{"spec":{"maxReplicas":14}}'`;

/** What changes something, what stays open, or has a word in capitals: in the order in which they are run. */
const changing: Readonly<Record<string, { shows: string; run(command: string): Promise<void> }>> = {
  'kubectl --namespace slipway logs POD --container=CONTAINER --previous': {
    shows: 'has the last words of a process that was killed',
    async run(command) {
      const pod = await readyPod();
      await killByKernel(pod);
      const ended = async () => (await same(pod))?.status.containerStatuses?.[0]?.lastState?.terminated !== undefined;
      await waitFor('the restart', ended, 30_000, 200);
      const { name } = pod.metadata;
      expect(await paste(command.replace('POD', name).replace('CONTAINER', 'slipway'))).toContain('"event":"ready"');
      expect(await paste('kubectl --namespace slipway describe pods')).toMatch(
        /Last State: +Terminated\n +Reason: +OOMKilled/,
      );
    },
  },
  'kubectl --namespace slipway rollout restart deployment/slipway': {
    shows: 'gives the Deployment a new ReplicaSet and other pods',
    async run(command) {
      const before = await world.pods();
      await paste(command);
      expect(await paste('kubectl --namespace slipway rollout status deployment/slipway')).toContain(
        'successfully rolled out',
      );
      expect(await replicaSets()).toHaveLength(2);
      for (const pod of before) expect(await same(pod)).toBeUndefined();
    },
  },
  'kubectl --namespace slipway rollout undo deployment/slipway': {
    shows: 'takes back a version that cannot start, of which the runbook told',
    async run(command) {
      const image = async () => (await deployment()).spec.template.spec.containers[0]?.image;
      const before = await image();
      await world.kubectl('set', 'image', 'deployment/slipway', 'slipway=slipway:none');
      const describe = 'kubectl --namespace slipway describe pods --selector=app.kubernetes.io/component=web';
      await waitFor(
        'the image to be missed',
        async () => /ErrImage|ImagePullBackOff/.test(await paste(describe)),
        30_000,
        500,
      );
      const logs = reading.filter((each) => each.includes(' logs '));
      for (const each of logs) expect(await paste(each)).toMatch(/^\[pod\/slipway-.*"event":"/m);
      await paste(command);
      expect(await image()).toBe(before);
      expect(await paste('kubectl --namespace slipway rollout status deployment/slipway')).toContain(
        'successfully rolled out',
      );
    },
  },
  'kubectl --namespace slipway delete pod POD': {
    shows: 'has it replaced',
    async run(command) {
      const pod = await readyPod();
      await paste(command.replace('POD', pod.metadata.name));
      expect(await same(pod)).toBeUndefined();
      await world.ready();
    },
  },
  'kubectl cordon NODE': {
    shows: 'would keep pods off it (a dry run: other tests use the nodes)',
    async run(command) {
      const { spec } = await readyPod();
      const said = await paste(`${command.replace('NODE', spec.nodeName as string)} --dry-run=server`);
      expect(said).toBe(`node/${spec.nodeName} cordoned (server dry run)\n`);
    },
  },
  'kubectl drain NODE --ignore-daemonsets --delete-emptydir-data': {
    shows: 'would evict the pods there (a dry run, and of pods of this test: other tests use the nodes)',
    async run(command) {
      const { metadata, spec } = await readyPod();
      const only = `--pod-selector=${mine.name}=${mine.value} --dry-run=server`;
      const said = await paste(`${command.replace('NODE', spec.nodeName as string)} ${only}`);
      expect(said).toContain(`evicting pod ${world.namespace}/${metadata.name} (server dry run)`);
      expect(said).toContain(`node/${spec.nodeName} drained (server dry run)`);
    },
  },
  'kubectl create --filename=docs/operations/psql.yaml': {
    shows: 'makes a pod',
    run: async (command) => expect(await createPsql(world, paste, command)).toBe('pod/psql created\n'),
  },
  'kubectl --namespace slipway wait --for=condition=Ready pod/psql --timeout=120s': {
    shows: 'ends when it is ready',
    run: async (command) => expect(await paste(command)).toBe('pod/psql condition met\n'),
  },
  [inPostgres]: {
    shows: 'is in the database',
    run: async (command) => expect(await paste(command, 'SELECT current_database();')).toMatch(/^ slipway$/m),
  },
  [inPsql]: {
    shows: 'has an answer to each query of the runbooks, and ends what others wait for',
    async run(command) {
      const [activity = '', terminate = '', ...others] = queries;
      const ask = (statement: string) => paste(command, `${statement};`);
      const { said, blocked, waited } = await endWhatBlocks(paste, ask, { activity, terminate });
      expect(said).toMatch(/^ t$/m);
      expect(blocked).toContain('terminating connection due to administrator command');
      expect(waited).toContain('files: 0');
      for (const query of others) expect(await ask(query)).toMatch(/^\(\d+ rows?\)$/m);
    },
  },
  'kubectl --namespace slipway delete pod psql': {
    shows: 'removes it',
    run: async (command) => expect(await paste(command)).toMatch(/^pod "psql" deleted/),
  },
  [restartMetrics]: {
    shows: 'would restart what is there (it is only looked for: other tests read its series)',
    async run(command) {
      const found = await paste(command.replace('rollout restart', 'get'));
      expect(found).toMatch(there ? /^kube-state-metrics .*\n$/m : /^No resources found/);
    },
  },
  [raise]: {
    shows: 'raises the maximum',
    async run(command) {
      await paste(command);
      const { spec } = await get<KubeObject & { spec: object }>('hpa', 'slipway', '--namespace', world.namespace);
      expect(spec).toMatchObject({ maxReplicas: 14 });
    },
  },
};

it('every command is run here or left out for a reason, and none is run that no runbook has', () => {
  const known = [...reading, ...queries, ...Object.keys(changing)];
  expect(commands.filter((command) => !known.includes(command) && !isLeftOut(command))).toEqual([]);
  expect(known.filter((command) => !commands.includes(command))).toEqual([]);
  expect(queries.length).toBeGreaterThan(2);
});

describe('a command that changes something', () => {
  it.each(Object.entries(changing).map(([command, { shows, run }]) => [command, shows, run] as const))(
    '%s %s',
    (command, _, run) => run(command),
  );
});

describe('a command that reads', () => {
  // metrics-server has nothing to say of pods that it has not measured twice.
  beforeAll(() => waitFor('metrics', () => world.kubectl('top', 'pods').then(Boolean, () => false), 90_000, 1000));

  it.each(reading.filter((command) => !ofMonitoring.test(command)))('%s', async (command) => {
    expect(await paste(command)).not.toMatch(/^(No resources found.*)?\s*$/);
  });

  (there ? it.each : it.skip.each)(reading.filter((command) => ofMonitoring.test(command)))(
    `%s${there ? '' : ' (not here: this cluster has no Prometheus of the operator)'}`,
    async (command) => {
      expect(await paste(command)).toContain(`${local.monitoringNamespace} `);
    },
  );
});

describe('the lines for jq in docs/logs.md', () => {
  const blocks = [...readFileSync('docs/logs.md', 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)];
  const [logs = '', ...pipes] = blocks.map(([, text = '']) => text);
  const isAnswer = (line: string) => line.startsWith('{');

  /** What a pipe finds in the logs of the pods. @throws what jq or kubectl says, when one of them fails */
  async function answersOf(pipe: string): Promise<unknown[]> {
    const said = await paste(`set -o pipefail\n${(await findJq()).inShell}\n${logs}${pipe}`);
    return said
      .split('\n')
      .filter(isAnswer)
      .map((line) => JSON.parse(line) as unknown);
  }

  it('find the one line of a request, by its id', async () => {
    const question = pipes.find((text) => text.includes('.requestId == $id')) ?? '';
    expect(question).toMatch(/^logs \| jq .* --arg id … /);
    const requestId = randomUUID();
    const answer = await fetch(`${world.url}/session`, { headers: { 'X-Request-Id': requestId } });
    expect(answer.status).toBe(200);
    let found: unknown[] = [];
    await waitFor(
      'the line of the request',
      async () => {
        found = await answersOf(question.replace('…', requestId));
        return found.length > 0;
      },
      30_000,
      500,
    );
    const names = (await world.pods()).map(({ metadata }) => metadata.name);
    expect(found).toEqual([expect.objectContaining({ event: 'access', status: 200, route: '/session', requestId })]);
    expect(names).toContain((found[0] as { instance: string }).instance);
  });

  it('find when replicas became ready, and the routes that were asked', async () => {
    const asked = (part: string) => answersOf(pipes.find((text) => text.includes(part)) ?? '');
    expect(await asked('"listening", "ready"')).toContainEqual(expect.objectContaining({ event: 'ready' }));
    expect(await asked('group_by([.method, .route])')).toContainEqual(
      expect.objectContaining({ method: 'GET', route: '/session', p95Ms: expect.any(Number) }),
    );
  });

  it.each(pipes)('%s', async (pipe) => {
    expect(pipe).toMatch(/^logs \| jq /);
    await answersOf(pipe.replace('…', '198.51.100.7'));
  });
});
