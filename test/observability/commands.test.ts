// The commands of docs/operations.md that nothing here can run: whole, as they would be pasted, and with names that config/ gives.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import {
  alarmTopicName,
  cacheName,
  certificateParameter,
  databaseServerName,
  loadBalancerName,
  prefix,
  severities,
} from '../../config/aws-names.ts';
import { readImages } from '../../config/images.ts';
import { production } from '../../config/production.ts';
import { parts } from '../../k8s/charts/parts.ts';
import { selectorLabels } from '../../k8s/constructs/labels.ts';
import type { Manifest } from '../../k8s/synth.ts';
import { sectionOf } from '../../local/observe/runbook.ts';
import { edgeAlarms } from '../../observability/cloudwatch/alarms/edge.ts';
import { alarmName } from '../../observability/cloudwatch/alarms/index.ts';
import { factsOf } from '../../observability/cloudwatch/facts.ts';
import { dashboards } from '../../observability/panels/index.ts';
import { podChecks } from '../k8s/support/checklist-pods.ts';
import { committed, objectNamed } from '../k8s/support/manifests.ts';
import { ofKind } from '../k8s/support/workloads.ts';
import { operations as page, writtenIn } from './support/operations.ts';

/** As an alternative of a pattern would take it: text, or a quoted part in which signs mean nothing. */
const quoted = /'[^']*'|"[^"]*"/g;

/** The command and those in its `$( … )`, each with what was inside as one word `$()`, and quotes as one word `""`. */
function commandsIn(text: string): string[] {
  const plain = text.replaceAll('\\\n', ' ').replace(quoted, '""');
  const inner = /\$\(([^()]+)\)/.exec(plain);
  if (inner === null) return [plain];
  return [...commandsIn(plain.replace(inner[0], '$')), (inner[1] as string).trim()];
}

const written = writtenIn(page);
const commands = [...new Set(written.flatMap(commandsIn).flatMap((text) => text.split(' | ')))].map((text) =>
  text.trim().split(/\s+/),
);
const of = (program: string) => commands.filter(([first, second]) => first === program && second !== undefined);

/**
 * What each subcommand cannot do without, and flags that take no value.
 * Source: AWS CLI Command Reference, "Synopsis" (what is not in brackets); for `put-metric-alarm` what an alarm on one metric needs.
 */
const awsArguments: Readonly<Record<string, readonly string[]>> = {
  'acm describe-certificate': ['--certificate-arn'],
  'acm list-certificates': [],
  'cloudwatch put-metric-alarm': [
    ...['--alarm-name', '--namespace', '--metric-name', '--dimensions', '--statistic', '--period', '--threshold'],
    ...['--evaluation-periods', '--comparison-operator'],
  ],
  'ec2 describe-availability-zones': [],
  'elasticache describe-events': [],
  'elasticache describe-replication-groups': [],
  'elasticache modify-replication-group': ['--replication-group-id', '--cache-node-type'],
  'elbv2 describe-load-balancers': [],
  'elbv2 describe-target-groups': ['--load-balancer-arn'],
  'elbv2 describe-target-health': ['--target-group-arn'],
  'logs delete-log-group': ['--log-group-name'],
  'logs tail': ['group'],
  'rds describe-db-instances': [],
  'rds describe-events': [],
  'rds modify-db-instance': ['--db-instance-identifier'],
  'rds reboot-db-instance': ['--db-instance-identifier'],
  'sns list-topics': [],
  'sns subscribe': ['--topic-arn', '--protocol'],
  'ssm get-parameter': ['--name'],
};
const switches = ['--apply-immediately', '--no-deletion-protection'];

/** Arguments, and how many of them: `--name` → value; those without a name are `group` here. */
function given(words: readonly string[]): Map<string, string | undefined> {
  const found = new Map<string, string | undefined>();
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] as string;
    if (!word.startsWith('--')) found.set('group', word);
    else if (switches.includes(word)) found.set(word, '');
    else found.set(word, words[++index]);
  }
  return found;
}

/** How many words a verb of kubectl needs beside its flags; `exec` also needs a command. */
const kubectlWords: Readonly<Record<string, number>> = {
  cordon: 1,
  create: 0,
  delete: 2,
  describe: 1,
  drain: 1,
  exec: 1,
  get: 1,
  logs: 0,
  patch: 2,
  'port-forward': 2,
  rollout: 2,
  top: 1,
  wait: 1,
};
const ofNoNamespace = ['nodes', 'NODE'];

describe('a command of aws on the page', () => {
  it.each(of('aws').map((words) => [words.join(' '), words] as const))(
    '%s is whole',
    (_, [, service, verb, ...rest]) => {
      const wanted = awsArguments[`${service} ${verb}`];
      if (wanted === undefined) throw new Error(`"aws ${service} ${verb}" is not in the table of this test`);
      const found = given(rest);
      expect([...found.keys()]).toEqual(expect.arrayContaining([...wanted]));
      for (const [name, value] of found) {
        expect(name).toMatch(/^(--[a-z-]+|group)$/);
        expect(value).toEqual(expect.not.stringMatching(/^--/));
      }
    },
  );

  it('is one of those in the table, each of which is there', () => {
    const used = new Set(of('aws').map(([, service, verb]) => `${service} ${verb}`));
    expect([...used].sort()).toEqual(Object.keys(awsArguments));
  });

  it('names what config/ names', () => {
    const database = databaseServerName(production);
    const known = [
      prefix(production),
      database,
      `${database}-reader`,
      cacheName(production),
      loadBalancerName(production),
      ...severities.map((severity) => alarmTopicName(production, severity)),
      certificateParameter(production),
      `${prefix(production)}-certificate-expires`,
      `/aws/elasticache/${cacheName(production)}`,
      ...['postgresql', 'upgrade'].map((log) => `/aws/rds/instance/${database}-reader/${log}`),
    ];
    const texts = written.filter((text) => text.startsWith('aws '));
    const names = texts.flatMap((text) => text.match(/[\w/-]*slipway[\w/-]*/g) ?? []);
    expect(names.length).toBeGreaterThan(10);
    expect([...new Set(names)].filter((name) => !known.includes(name))).toEqual([]);
  });
});

describe('the alarm on a certificate that is kept by hand', () => {
  it('is that of one that the stacks make', () => {
    const { aws } = production;
    if (aws === undefined) throw new Error('production is not in AWS');
    const facts = factsOf({ ...production, aws }, 'arn:aws:acm:us-east-1:123456789012:certificate/1');
    const alarm = edgeAlarms(facts).find(({ name }) => name === 'certificate-expires');
    if (alarm === undefined || !('metric' in alarm.measure)) throw new Error('there is no such alarm on a metric');
    const { namespace, name, statistic, periodSeconds, dimensions } = alarm.measure.metric;
    const made = given(
      of('aws')
        .find(([, service]) => service === 'cloudwatch')
        ?.slice(3) ?? [],
    );
    expect(Object.fromEntries(made)).toMatchObject({
      '--alarm-name': alarmName(facts, alarm),
      '--namespace': namespace,
      '--metric-name': name,
      '--dimensions': expect.stringContaining(`Name=${Object.keys(dimensions)[0]},`),
      '--statistic': statistic,
      '--period': `${periodSeconds}`,
      '--evaluation-periods': `${alarm.periods.of}`,
      '--comparison-operator': 'LessThanThreshold',
      '--threshold': `${alarm.threshold}`,
      '--treat-missing-data': alarm.missing,
    });
  });
});

it('a command to run first is in each runbook', () => {
  const runbooks = (sectionOf(page, 'runbooks') ?? '').split(/^### /m).slice(1);
  expect(runbooks.length).toBeGreaterThan(20);
  expect(runbooks.filter((text) => text.match(/^- First: `/gm)?.length !== 1)).toEqual([]);
});

describe('a command of kubectl on the page', () => {
  it.each(of('kubectl').map((words) => [words.join(' '), words] as const))('%s is whole', (text, [, ...words]) => {
    const namespaced = words[0] === '--namespace';
    const [verb = '', ...rest] = namespaced ? words.slice(2) : words;
    const own = rest.slice(0, rest.includes('--') ? rest.indexOf('--') : undefined);
    const objects = own.filter((word) => !word.startsWith('-'));
    expect(Object.keys(kubectlWords)).toContain(verb);
    expect(objects.length).toBeGreaterThanOrEqual(kubectlWords[verb] as number);
    if (verb === 'exec') expect(rest.slice(own.length + 1)).not.toEqual([]);
    if (verb === 'logs') expect(objects.length + (/--selector=/.test(text) ? 1 : 0)).toBe(1);
    if (verb === 'create') expect(text).toMatch(/--filename=docs\//);
    const everywhere = text.includes('--all-namespaces') || objects.some((word) => ofNoNamespace.includes(word));
    if (verb !== 'create') expect(namespaced || everywhere).toBe(true);
  });

  it('leads to dashboards by the names that they have in Grafana', () => {
    for (const { title } of dashboards) expect(page).toContain(`*${production.service.name}: ${title}*`);
  });
});

describe('the pod of psql', () => {
  const pod = parse(readFileSync('docs/operations/psql.yaml', 'utf8')) as Manifest;
  const { bootstrap } = parts(production);

  it.each(['staging', 'production'])('is let out to the database in %s, and finds its master user there', (name) => {
    const manifests = committed(name);
    expect(pod.metadata.namespace).toBe(production.namespace);
    expect(pod.metadata.labels).toEqual(selectorLabels(bootstrap));
    const { spec } = objectNamed(manifests, 'NetworkPolicy/bootstrap') as Manifest & {
      spec: { podSelector: object; egress: { ports: { port: number }[] }[]; ingress?: object[] };
    };
    expect(spec.podSelector).toEqual({ matchLabels: pod.metadata.labels });
    expect(spec.egress.flatMap(({ ports }) => ports.map(({ port }) => port))).toContain(5432);
    expect(spec.ingress ?? []).toEqual([]);
    const [secret] = (pod.spec as { volumes: { secret: { secretName: string; items: { key: string }[] } }[] }).volumes;
    const made = objectNamed(manifests, `ExternalSecret/${secret?.secret.secretName}`) as Manifest & {
      spec: { target: { template: { data: object } } };
    };
    expect(Object.keys(made.spec.target.template.data)).toContain(secret?.secret.items[0]?.key);
  });

  it('runs the PostgreSQL of the other manifests, and is admitted as they are', () => {
    const { repository, tag } = readImages().postgres;
    const { containers } = pod.spec as { containers: { image: string }[] };
    expect(containers.map(({ image }) => image)).toEqual([`${repository}:${tag}`]);
    const template = { metadata: pod.metadata, spec: pod.spec };
    const asJob = { ...pod, kind: 'Job', spec: { template } };
    const others = ofKind(committed('production'), 'ServiceAccount');
    expect(podChecks.flatMap((check) => check.faults([asJob, ...others]))).toEqual([]);
  });
});
