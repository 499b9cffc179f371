// The configuration that Alertmanager gets, in a real Alertmanager: who is told what. SNS is emulated (MiniStack), and read through queues.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accountId } from '../../config/account.ts';
import { type Severity, severities } from '../../config/aws-names.ts';
import { unpackPackage } from '../../local/debian.ts';
import { cacheFolder, onPath } from '../../local/path.ts';
import { freePort } from '../../local/ports.ts';
import { alertmanagerConfig } from '../../observability/alertmanager.ts';
import { type Ministack, startMinistack } from '../support/ministack.ts';
import { waitFor } from '../support/wait.ts';

const region = 'us-east-1';
const topicOf = (severity: Severity) => `arn:aws:sns:${region}:${accountId}:slipway-production-${severity}`;
const config = alertmanagerConfig({
  topics: { page: topicOf('page'), ticket: topicOf('ticket') },
  region,
  from: 'slipway-production',
});

let ministack: Ministack;
let alertmanager: ChildProcess;
let url: string;
let dir: string;

/** What comes before its flags: the program of the machine, or that of Debian's package without installing it. */
async function program(): Promise<string[]> {
  const name = 'prometheus-alertmanager';
  const installed = onPath(name);
  if (installed) return [installed];
  const { root } = await unpackPackage(name, cacheFolder(), () => {});
  // Its templates must be where the package has them: for this process alone they are.
  const inPlace = 'mount --bind "$0/usr/share" /usr/share && exec "$0/usr/bin/prometheus-alertmanager" "$@"';
  return ['unshare', '--map-root-user', '--mount', 'sh', '-c', inPlace, root];
}

async function ask(service: 'sns' | 'sqs', params: Record<string, string>): Promise<string> {
  const response = await fetch(ministack.endpoint, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      Authorization: `AWS4-HMAC-SHA256 Credential=nobody/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=none`,
    },
    body: new URLSearchParams(params),
  });
  return response.text();
}

interface Message {
  Subject: string;
  Message: string;
}
const received: Record<Severity, Message[]> = { page: [], ticket: [] };

/** Fetches what has come since. */
async function receive(): Promise<void> {
  for (const severity of severities) {
    const answer = await ask('sqs', {
      Action: 'ReceiveMessage',
      QueueUrl: `${ministack.endpoint}/${accountId}/${severity}`,
      MaxNumberOfMessages: '10',
      VisibilityTimeout: '600',
    });
    for (const [, body = ''] of answer.matchAll(/<Body>(.*?)<\/Body>/gs)) {
      const text = body
        .replaceAll('&quot;', '"')
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('&amp;', '&');
      received[severity].push(JSON.parse(text) as Message);
    }
  }
}
const subjects = (severity: Severity) => received[severity].map(({ Subject }) => Subject);
const untilTold = (severity: Severity, subject: string) =>
  waitFor(
    subject,
    async () => {
      await receive();
      return subjects(severity).includes(subject);
    },
    60_000,
    500,
  );

const labels = { namespace: 'slipway', service: 'slipway' };
async function alert(name: string, more: Record<string, string>, ended = false): Promise<void> {
  const now = new Date().toISOString();
  const annotations = {
    summary: `${name} in a line`,
    description: '31% of the calls failed',
    runbook: 'docs/operations.md#x',
  };
  const answer = await fetch(`${url}/api/v2/alerts`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify([
      {
        labels: { alertname: name, ...labels, ...more },
        annotations,
        ...(ended ? { endsAt: now } : { startsAt: now }),
      },
    ]),
  });
  expect(answer.status).toBe(200);
}

beforeAll(async () => {
  ministack = await startMinistack();
  for (const severity of severities) {
    await ask('sns', { Action: 'CreateTopic', Name: `slipway-production-${severity}` });
    await ask('sqs', { Action: 'CreateQueue', QueueName: severity });
    const Endpoint = `arn:aws:sqs:${region}:${accountId}:${severity}`;
    await ask('sns', { Action: 'Subscribe', TopicArn: topicOf(severity), Protocol: 'sqs', Endpoint });
  }
  dir = mkdtempSync(join(tmpdir(), 'slipway-alertmanager-'));
  const file = join(dir, 'alertmanager.json');
  // As it is, but for where SNS is, who asks it, and how long alerts are gathered.
  const sigv4 = { region, access_key: 'nobody', secret_key: 'nothing' };
  const receivers = config.receivers.map((receiver) =>
    'sns_configs' in receiver
      ? {
          ...receiver,
          sns_configs: receiver.sns_configs.map((each) => ({ ...each, sigv4, api_url: ministack.endpoint })),
        }
      : receiver,
  );
  const route = { ...config.route, group_wait: '1s', group_interval: '2s' };
  writeFileSync(file, JSON.stringify({ ...config, route, receivers }));
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const flags = [`--config.file=${file}`, `--storage.path=${dir}`, `--web.listen-address=127.0.0.1:${port}`];
  const [command = '', ...args] = [...(await program()), ...flags, '--cluster.listen-address='];
  let said = '';
  alertmanager = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  alertmanager.stderr?.on('data', (chunk) => {
    said += chunk;
  });
  const answers = async () => {
    if (alertmanager.exitCode !== null) throw new Error(`Alertmanager has ended: ${said}`);
    return fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  };
  await waitFor('Alertmanager', answers, 30_000);
}, 180_000);
afterAll(async () => {
  if (alertmanager?.exitCode === null) {
    alertmanager.kill();
    await once(alertmanager, 'exit');
  }
  await ministack?.stop();
  rmSync(dir, { recursive: true, force: true });
});

it('O3 a page goes to its topic with what is the matter and what to do, and so does its end', async () => {
  await alert('RedisLost', { severity: 'page', dependency: 'redis' });
  await untilTold('page', 'FIRING RedisLost slipway-production');
  const told = received.page.find(({ Subject }) => Subject.startsWith('FIRING RedisLost'))?.Message ?? '';
  for (const words of [
    'RedisLost in a line',
    '31% of the calls failed',
    'Runbook: docs/operations.md#x',
    'dependency=redis',
  ])
    expect(told).toContain(words);
  await alert('RedisLost', { severity: 'page', dependency: 'redis' }, true);
  await untilTold('page', 'RESOLVED RedisLost slipway-production');
});

it('O3 a ticket goes to the other topic; a critical one of the chart is a page, and what is neither goes nowhere', async () => {
  await alert('Watchdog', { severity: 'none' });
  await alert('CPUThrottlingHigh', { severity: 'info' });
  await alert('PoolExhausted', { severity: 'ticket', pool: 'writer' });
  await alert('PrometheusBadConfig', { severity: 'critical' });
  await untilTold('ticket', 'FIRING PoolExhausted slipway-production');
  await untilTold('page', 'FIRING PrometheusBadConfig slipway-production');
  expect(subjects('ticket')).toEqual(['FIRING PoolExhausted slipway-production']);
  expect([...subjects('page'), ...subjects('ticket')].join()).not.toMatch(/Watchdog|CPUThrottling/);
});

it('O7 a budget that burns fast enough for a page sends no ticket for the same objective', async () => {
  await alert('AvailabilityBudgetGoneIn2Days', { severity: 'page', objective: 'availability' });
  await untilTold('page', 'FIRING AvailabilityBudgetGoneIn2Days slipway-production');
  await alert('AvailabilityBudgetGoneIn30Days', { severity: 'ticket', objective: 'availability' });
  await alert('LatencyP95BudgetGoneIn30Days', { severity: 'ticket', objective: 'latency-p95' });
  await untilTold('ticket', 'FIRING LatencyP95BudgetGoneIn30Days slipway-production');
  expect(subjects('ticket')).not.toContain('FIRING AvailabilityBudgetGoneIn30Days slipway-production');
});
