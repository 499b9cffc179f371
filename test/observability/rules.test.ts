// The model of objectives and alerts: what it is made for, and that each alert leads to a runbook that exists.
import { readFileSync } from 'node:fs';
import { defineEnvironment, valuesOf } from '../../config/environment.ts';
import { environments } from '../../config/environments.ts';
import { production } from '../../config/production.ts';
import { ruleScope } from '../../k8s/charts/rules.ts';
import { alarms } from '../../observability/cloudwatch/alarms/index.ts';
import { factsOf } from '../../observability/cloudwatch/facts.ts';
import { dashboards } from '../../observability/panels/index.ts';
import { alerts, alertsOf, machineScope, ruleGroups, runbookOf } from '../../observability/rules/index.ts';
import { clientTimed, objectives, unserved } from '../../observability/rules/objectives.ts';
import { timesOf } from '../../observability/rules/span.ts';
import { createMetrics } from '../../service/metrics.ts';
import { routes } from '../../service/routes/index.ts';
import { committed } from '../k8s/support/manifests.ts';

const page = readFileSync('docs/operations.md', 'utf8');
const [, runbooks = ''] = page.split('## Runbooks');
const anchors = [...runbooks.matchAll(/^### (.+)$/gm)].map(([, title]) =>
  (title as string).toLowerCase().replaceAll(' ', '-'),
);
const named = (environment: (typeof environments)[number]) => alertsOf(ruleScope(environment)).map(({ name }) => name);

/** Of CloudWatch, in production. */
function productionAlarms() {
  const { aws } = production;
  if (aws === undefined) throw new Error('production is not in AWS');
  const certificate = 'arn:aws:acm:us-east-1:123456789012:certificate/1';
  return alarms(factsOf({ ...production, aws }, certificate));
}
const alarmRunbooks = () => productionAlarms().map((alarm) => runbookOf(alarm).split('#')[1] as string);

describe('every alert', () => {
  it.each(alerts.map((alert) => [alert.name, alert] as const))(
    '%s has a name, a line, a description and a runbook that exists',
    (name, alert) => {
      expect(name).toMatch(/^[A-Z][A-Za-z0-9]+$/);
      expect(alerts.filter((each) => each.name === name)).toHaveLength(1);
      expect(alert.summary).not.toMatch(/\{\{|\n|\.$/);
      expect(alert.description).toMatch(/\.$/);
      expect(anchors).toContain(runbookOf(alert).split('#')[1]);
    },
  );

  it('of CloudWatch has a runbook too, and no runbook is without an alert', () => {
    const wanted = new Set([...alerts.map((alert) => runbookOf(alert).split('#')[1] as string), ...alarmRunbooks()]);
    expect([...wanted].filter((anchor) => !anchors.includes(anchor))).toEqual([]);
    expect(anchors.filter((anchor) => !wanted.has(anchor))).toEqual([]);
  });

  it('of one fault wakes somebody in Prometheus and in CloudWatch alike, or in neither: in a crash loop old pods serve on', () => {
    const seen = [...alerts, ...productionAlarms()];
    const severities = (runbook: string) =>
      seen.filter((each) => each.runbook === runbook).map((each) => each.severity);
    expect(severities('Crash loop')).toEqual(['ticket', 'ticket']);
    expect(severities('CPU high')).toEqual(['page', 'page']);
    expect(severities('HPA at maximum')).toEqual(['ticket', 'ticket']);
  });

  it('has a runbook that says what to run first, what to do, and when it is over', () => {
    for (const section of runbooks.split(/^### /m).slice(1))
      expect(section).toMatch(/^.+\n\n[^-][\s\S]+?\n- First: `(kubectl|aws) [\s\S]+\n- Do: [\s\S]+\n- Over: /);
  });

  it('on all pods of the namespace has a first command that leaves none of them out', () => {
    const section = (title: string) => runbooks.split(/^### /m).find((text) => text.startsWith(`${title}\n`)) ?? '';
    const ofNamespace = alerts.filter(({ expression }) =>
      /kube_pod_[^{]+\{namespace="n",(?!.*(service|container)=)/.test(
        expression(
          {
            ...machineScope('s'),
            namespace: 'n',
            cluster: { cpuRequestCores: 1, cpuTargetPercent: 60 },
          },
          timesOf(1, 30),
        ),
      ),
    );
    expect(ofNamespace.map(({ name }) => name)).toEqual(['CrashLooping']);
    for (const { runbook } of ofNamespace) expect(section(runbook)).not.toMatch(/- First: .*--selector/);
  });

  it('is sent to panels that exist', () => {
    const titles = dashboards.flatMap(({ rows }) => rows.flatMap(({ panels }) => panels.map(({ title }) => title)));
    const sentTo = [...runbooks.matchAll(/\*([A-Z][^*]+)\*/g)].map(([, title]) => title as string);
    expect(sentTo.length).toBeGreaterThan(4);
    expect(sentTo.filter((title) => !titles.includes(title))).toEqual([]);
  });

  it('links only to sections that exist', () => {
    const links = [...page.matchAll(/\]\(#([\w-]+)\)/g)].map(([, anchor]) => anchor as string);
    expect(links.length).toBeGreaterThan(alerts.length);
    const sections = [...page.matchAll(/^##+ (.+)$/gm)].map(([, title = '']) =>
      title.toLowerCase().replaceAll(' ', '-'),
    );
    expect(links.filter((anchor) => !sections.includes(anchor))).toEqual([]);
  });

  it('is in the table with the environments that have it', () => {
    const row = (name: string) => page.split('\n').find((line) => line.startsWith(`| ${name} |`));
    expect(row('ReaderUnused')).toContain('| production |');
    expect(row('ServiceDown')).toContain('| all |');
    expect(row('replica-lag-high')).toContain('| production |');
    expect(row('certificate-expires')).toContain('| none yet: with `aws.zone` |');
  });
});

describe('an environment', () => {
  it.each(environments.map((each) => [each.name, each] as const))(
    '%s has its alerts in charts-out',
    (name, environment) => {
      const [rule] = committed(name).filter(({ kind }) => kind === 'PrometheusRule');
      expect(rule?.metadata).toMatchObject({ namespace: environment.namespace, name: environment.service.name });
      expect(rule?.spec).toEqual({ groups: ruleGroups(ruleScope(environment)) });
    },
  );

  it('is watched for what it has: a reader, an autoscaler', () => {
    const [, staging, prod] = environments.map(named);
    expect(prod).toContain('ReaderUnused');
    expect(staging).not.toContain('ReaderUnused');
    const fixed = defineEnvironment({
      ...valuesOf(production),
      scaling: { profile: 'none', minReplicas: 2, maxReplicas: 2 },
    });
    for (const name of ['AutoscalerAtMaximum', 'CpuSaturated']) {
      expect(prod).toContain(name);
      expect(named(fixed)).not.toContain(name);
    }
  });

  it('of another namespace has no expression that could see this one', () => {
    const scope = { ...ruleScope(production), namespace: 'elsewhere', service: 'other' };
    const rules = ruleGroups(scope).flatMap((group) => group.rules);
    const ofNodes = 'max by (node)';
    for (const { expr } of rules) {
      expect(expr).not.toMatch(/"slipway"/);
      if (!expr.startsWith(ofNodes)) expect(expr).toMatch(/namespace="elsewhere"/);
    }
  });

  it('that is one machine has no alert on Kubernetes', () => {
    const exprs = ruleGroups(machineScope('slipway')).flatMap((group) => group.rules.map(({ expr }) => expr));
    expect(exprs.join('\n')).not.toMatch(/kube/);
  });

  it('in a thirtieth of the time has every time a thirtieth as long', () => {
    const text = (timeScale: number) => JSON.stringify(ruleGroups(ruleScope(production), timeScale));
    const times = (json: string) =>
      [...json.matchAll(/\[(\d+)(ms|s|m|h|d)\]/g)].map(
        ([, count, unit]) => Number(count) * { ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 }[unit as 's'],
      );
    const real = times(text(1));
    expect(real.length).toBeGreaterThan(40);
    expect(times(text(30))).toEqual(real.map((seconds) => seconds / 30));
  });
});

describe('an objective', () => {
  it('leaves out only routes that the service has', () => {
    const paths = [...routes.map(({ path }) => path), 'unmatched'];
    for (const route of [...unserved, ...clientTimed]) expect(paths).toContain(route);
  });

  it('of latency has its ceiling as the bound of a bucket', async () => {
    const metrics = createMetrics('one');
    metrics.request('GET', '/session', 200, 0.01);
    const text = await metrics.registry.metrics();
    const bounds = objectives.flatMap((each) => [
      ...each.bad({ namespace: 'n', service: 's' }, '5m').matchAll(/le="([\d.]+)"/g),
    ]);
    expect(bounds.map(([, bound]) => bound)).toEqual(['0.045', '0.12', '0.25']);
    for (const [matcher] of bounds) expect(text).toContain(`http_request_duration_seconds_bucket{${matcher},`);
  });
});
