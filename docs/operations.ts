// The tables of docs/operations.md, from the model of dashboards, objectives and alerts.
import type { AwsValues } from '../config/aws-schema.ts';
import type { Environment } from '../config/environment.ts';
import { environments } from '../config/environments.ts';
import { ruleScope } from '../k8s/charts/rules.ts';
import { alarms } from '../observability/cloudwatch/alarms/index.ts';
import { factsOf } from '../observability/cloudwatch/facts.ts';
import { dashboards } from '../observability/panels/index.ts';
import { panelTable } from '../observability/panels/table.ts';
import { alerts, alertsOf, runbookOf } from '../observability/rules/index.ts';
import { budgetOf, objectives, periodDays, windowsOf } from '../observability/rules/objectives.ts';
import { duration } from '../observability/rules/span.ts';

export interface Table {
  head: readonly string[];
  rows: readonly (readonly unknown[])[];
}

const anchor = (address: string) => address.slice(address.indexOf('#'));
const percent = (share: number) => `${Number((100 * share).toPrecision(6))} %`;

function objectiveTable(): Table {
  return {
    head: ['objective', 'good requests', 'target', `may be bad in ${periodDays} days`, 'alerts at a burn of'],
    rows: objectives.map((objective) => [
      objective.id,
      objective.good,
      percent(objective.target),
      percent(budgetOf(objective)),
      windowsOf(objective)
        .map(
          ({ factor, longSeconds, shortSeconds, severity }) =>
            `${factor}× over ${duration(longSeconds)} and ${duration(shortSeconds)} (${severity})`,
        )
        .join(', '),
    ]),
  };
}

/** @param among of how many it could be: all of them need not be named */
const where = (names: readonly string[], among: number) => (names.length === among ? 'all' : names.join(', '));

function alertTable(): Table {
  const made = environments.map((environment) => ({
    environment: environment.name,
    names: alertsOf(ruleScope(environment)).map(({ name }) => name),
  }));
  return {
    head: ['alert', 'severity', 'says', 'source', 'waits', 'where', 'runbook'],
    rows: alerts.map((alert) => [
      alert.name,
      alert.severity,
      alert.summary,
      alert.sources.join(', '),
      alert.forSeconds === 0 ? 'its windows' : duration(alert.forSeconds),
      where(
        made.filter(({ names }) => names.includes(alert.name)).map(({ environment }) => environment),
        made.length,
      ),
      `[${alert.runbook}](${anchor(runbookOf(alert))})`,
    ]),
  };
}

type InAws = Environment & { aws: AwsValues };
const isInAws = (environment: Environment): environment is InAws => environment.aws !== undefined;
const inAws = environments.filter(isInAws);

/** An address that stands for the certificate's. */
const certificateOf = ({ region, accountId }: Environment) => `arn:aws:acm:${region}:${accountId}:certificate/0`;

function alarmTable(): Table {
  const made = inAws.map((environment) => {
    const certificate = environment.aws.zone === undefined ? undefined : certificateOf(environment);
    return { environment: environment.name, alarms: alarms(factsOf(environment, certificate)) };
  });
  // Production, with most of them, comes first. A certificate is made, and watched, where there is a zone.
  const possible = inAws
    .toReversed()
    .flatMap((environment) => alarms(factsOf(environment, certificateOf(environment))));
  const all = possible.filter((alarm, index) => possible.findIndex(({ name }) => name === alarm.name) === index);
  return {
    head: ['alarm', 'severity', 'says', 'where', 'runbook'],
    rows: all.map((alarm) => [
      alarm.name,
      alarm.severity,
      alarm.summary,
      where(
        made
          .filter((each) => each.alarms.some(({ name }) => name === alarm.name))
          .map(({ environment }) => environment),
        made.length,
      ) || 'none yet: with `aws.zone`',
      `[${alarm.runbook}](${anchor(runbookOf(alarm))})`,
    ]),
  };
}

export const operationsTables = (): Record<string, Table | string> => ({
  objectives: objectiveTable(),
  alerts: alertTable(),
  alarms: alarmTable(),
  panels: panelTable(dashboards),
});
