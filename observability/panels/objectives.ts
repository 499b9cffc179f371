// What is left of the error budgets, and how fast it goes: what the alerts on objectives are made of.
import type { PromQuery, Row, Scope } from '../model.ts';
import { budgetOf, burnWindows, type Objective, objectives, periodDays } from '../rules/objectives.ts';
import { recorded } from '../rules/recording.ts';
import { duration, plain } from '../rules/span.ts';
import { ofService } from '../selectors.ts';

const [fastest] = burnWindows as [(typeof burnWindows)[number]];

const pages = burnWindows
  .filter(({ severity }) => severity === 'page')
  .map(({ factor, longSeconds }) => `${factor} over ${duration(longSeconds)}`);

/** Bad requests as a multiple of those that the objective allows, over a window whose share is recorded. */
const burn = (objective: Objective, windowSeconds: number): PromQuery => ({
  legend: objective.id,
  source: 'service',
  expression: (scope: Scope) =>
    `max(${recorded.badShare(windowSeconds)}${ofService(scope, `objective="${objective.id}"`)}) / ${plain(budgetOf(objective))}`,
});

const noRules =
  'Nothing was asked of the service in this time, or Prometheus has no recording rules of it: see its page Status, Rules.';

export const objectivesRow: Row = {
  title: 'Objectives',
  panels: [
    {
      id: 'budget-used',
      title: `Error budget used in ${periodDays} days`,
      question: `What share of the bad requests that ${periodDays} days allow has been used? From 100 % on the objective is missed. A Prometheus that knows fewer days speaks of those.`,
      kind: 'number',
      unit: 'ratio',
      thresholds: [
        { value: 0.75, severity: 'warning' },
        { value: 1, severity: 'critical' },
      ],
      noData: noRules,
      queries: objectives.map((objective) => burn(objective, periodDays * 86_400)),
    },
    {
      id: 'budget-burn',
      title: 'Burn of the error budgets: last hour',
      question: `How many times faster than allowed do the budgets go now? Somebody is woken at ${pages.join(' or ')}.`,
      kind: 'lines',
      unit: 'count',
      thresholds: [
        { value: 1, severity: 'warning' },
        { value: fastest.factor, severity: 'critical' },
      ],
      noData: noRules,
      queries: objectives.map((objective) => burn(objective, fastest.longSeconds)),
    },
  ],
};
