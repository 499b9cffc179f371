// The rules with their real windows, in promtool: each alert fires in its case, not before its time, ends, and is quiet in a near miss.
import { environments } from '../../config/environments.ts';
import { ruleScope } from '../../k8s/charts/rules.ts';
import {
  type AlertingRule,
  alerts,
  alertsOf,
  machineScope,
  type RecordingRule,
  type RuleScope,
  ruleGroups,
} from '../../observability/rules/index.ts';
import { duration } from '../../observability/rules/span.ts';
import { burnCases } from './support/burn-cases.ts';
import { cases, place } from './support/cases.ts';
import { checkRules, type Look, type RuleTest, testRules } from './support/promtool.ts';
import { parts, type Series, sampleSeconds } from './support/timeline.ts';

/** With everything that an environment may have, so that all alerts are made. */
const whole: RuleScope = {
  ...place,
  cluster: { cpuRequestCores: 1, cpuTargetPercent: 60 },
  reader: true,
};
const groupsOf = (evaluationSeconds?: number) => ruleGroups(whole, 1, evaluationSeconds);
const groups = groupsOf();
const ruleOf = (name: string): AlertingRule => {
  const found = groups.flatMap(({ rules }) => rules).find((rule) => 'alert' in rule && rule.alert === name);
  if (found === undefined || !('alert' in found)) throw new Error(`there is no alert ${name}`);
  return found;
};
/**
 * One alert, and the recording rules that it needs: the others would only take time, those over 30 days most of it.
 *
 * @param evaluationSeconds as promtool is told, which does not look at the interval of a group
 */
function only(name: string, evaluationSeconds?: number) {
  const { expr } = ruleOf(name);
  const needed = ({ record, labels }: RecordingRule) =>
    expr.includes('service:') &&
    !record.endsWith('30d') &&
    (labels?.objective === undefined || expr.includes(`objective="${labels.objective}"`));
  return groupsOf(evaluationSeconds).map((group) => ({
    ...group,
    rules: group.rules.filter((rule) => ('alert' in rule ? rule.alert === name : needed(rule))),
  }));
}

const burnOf = (name: string) =>
  burnCases.find(({ objective, window }) => {
    const { expr } = ruleOf(name);
    return expr.includes(`objective="${objective.id}"`) && expr.includes(`[${duration(window.longSeconds)}]) *`);
  });
const waiting = alerts.filter(({ name }) => name in cases);
const burning = alerts.flatMap(({ name }) => {
  const found = name in cases ? undefined : burnOf(name);
  return found ? [{ name, ...found }] : [];
});

describe('promtool check rules', () => {
  const all = [
    ...environments.map((each) => [each.name, ruleScope(each)] as const),
    ['make observe', machineScope('slipway')] as const,
  ];

  it.each(all)('has nothing to say about those of %s', async (_, scope) => {
    const { code, output } = await checkRules(ruleGroups(scope));
    expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(/SUCCESS: \d+ rules found/) });
  });

  it.each(all)('nor about those of %s in a thirtieth of the time', async (_, scope) => {
    expect((await checkRules(ruleGroups(scope, 30))).code).toBe(0);
  });

  it('finds a fault', async () => {
    const broken = groups.map((group) => ({ ...group, rules: group.rules.map((rule) => ({ ...rule, expr: 'sum(' })) }));
    expect((await checkRules(broken)).output).toMatch(/could not parse expression/);
  });
});

it('every alert has a case under which it fires and one under which it is quiet, and each case an alert', () => {
  expect([...waiting, ...burning].map(({ name }) => name).sort()).toEqual(alerts.map(({ name }) => name).sort());
  expect(Object.keys(cases).sort()).toEqual(waiting.map(({ name }) => name).sort());
  expect(burning.length).toBe(burnCases.length);
  expect(alertsOf(whole)).toHaveLength(alerts.length);
});

describe.each(waiting.map((alert) => [alert.name, alert] as const))('%s', (name, { forSeconds }) => {
  const { fault, nearly, alsoNearly, labels, afterMinutes, says } = cases[name] as (typeof cases)[string];
  const { well } = parts;
  const wait = afterMinutes ?? forSeconds / 60;
  const end = well + parts.fault;
  const run = (series: readonly Series[], looks: Look[], exactly?: RuleTest['exactly']) =>
    testRules(only(name), {
      series,
      sampleSeconds,
      evaluationSeconds: 30,
      looks,
      ...(exactly ? { exactly } : {}),
    });
  const look = (minute: number, firing: boolean): Look => ({ alert: name, minute, firing });

  it(`fires after ${wait} minutes, says why, and ends`, async () => {
    const { annotations, labels: own } = ruleOf(name);
    const looks = [
      look(well - 1, false),
      look(well + wait - 1, false),
      look(well + wait + 10, true),
      look(end - 1, true),
      look(end + 11, false),
    ];
    const exactly = {
      alert: name,
      minute: end - 1,
      labels: { ...labels, ...own },
      annotations: { ...annotations, description: says },
    };
    expect(await run(fault, looks, exactly)).toBe('');
  });

  it('is quiet in a near miss', async () => {
    const minutes = [well + wait, well + wait + 1, well + wait + 10, end - 1];
    for (const series of [nearly, alsoNearly ?? nearly])
      expect(
        await run(
          series,
          minutes.map((minute) => look(minute, false)),
        ),
      ).toBe('');
  });
});

describe.each(burning.map((each) => [each.name, each] as const))('%s', (name, { tests }) => {
  it.each(tests.map((test) => [test.what, test] as const))('%s', async (_, test) => {
    const { series, stepSeconds, evaluationSeconds, firing, quiet } = test;
    const looks = [
      ...firing.map((minute) => ({ alert: name, minute, firing: true })),
      ...quiet.map((minute) => ({ alert: name, minute, firing: false })),
    ];
    expect(
      await testRules(only(name, evaluationSeconds), { series, sampleSeconds: stepSeconds, evaluationSeconds, looks }),
    ).toBe('');
  });
});
