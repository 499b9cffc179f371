// promtool from Debian's package, or the PATH: checks rules, and runs them against series that are written down.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from '../../../local/path.ts';
import { findPrometheus } from '../../../local/prometheus.ts';
import { type RuleGroup, rulesFile } from '../../../observability/rules/index.ts';
import type { Series } from './timeline.ts';

/** Whether so many alerts of a name fire after so many minutes. */
export interface Look {
  alert: string;
  minute: number;
  firing: boolean;
}

export interface RuleTest {
  series: readonly Series[];
  sampleSeconds: number;
  evaluationSeconds: number;
  looks: readonly Look[];
  /** Labels and annotations to the letter, of the only alert of its name after so many minutes. */
  exactly?: { alert: string; minute: number; labels: Record<string, string>; annotations: Record<string, string> };
}

/** @returns exit code and all output */
async function promtool(args: readonly string[]): Promise<{ code: number; output: string }> {
  const { promtool: program, env } = await findPrometheus({ cacheDir: cacheFolder(), log: () => undefined });
  return new Promise((resolve) => {
    execFile(program, [...args], { env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: `${stdout}${stderr}` });
    });
  });
}

async function withFiles<T>(
  files: Record<string, string>,
  use: (path: (name: string) => string) => Promise<T>,
): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'rules-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
    return await use((name) => join(dir, name));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** What `promtool check rules` says. */
export const checkRules = (groups: readonly RuleGroup[]): Promise<{ code: number; output: string }> =>
  withFiles({ 'rules.yml': rulesFile(groups) }, (path) =>
    promtool(['check', 'rules', '--lint=all', '--lint-fatal', path('rules.yml')]),
  );

/** Runs the rules against the series. @returns '' when all is as expected, else what promtool says */
export async function testRules(groups: readonly RuleGroup[], test: RuleTest): Promise<string> {
  const { exactly } = test;
  const document = {
    rule_files: ['rules.yml'],
    evaluation_interval: `${test.evaluationSeconds}s`,
    // Else alerts may come first and see series of the time before, which are stale after 5 minutes.
    group_eval_order: groups.map(({ name }) => name),
    tests: [
      {
        interval: `${test.sampleSeconds}s`,
        input_series: test.series,
        promql_expr_test: test.looks.map(({ alert, minute, firing }) => ({
          expr: `count(ALERTS{alertname="${alert}",alertstate="firing"}) or vector(0)`,
          eval_time: `${minute}m`,
          exp_samples: [{ labels: '{}', value: firing ? 1 : 0 }],
        })),
        alert_rule_test: exactly
          ? [
              {
                alertname: exactly.alert,
                eval_time: `${exactly.minute}m`,
                exp_alerts: [{ exp_labels: exactly.labels, exp_annotations: exactly.annotations }],
              },
            ]
          : [],
      },
    ],
  };
  const files = { 'rules.yml': rulesFile(groups), 'test.yml': JSON.stringify(document) };
  const { code, output } = await withFiles(files, (path) => promtool(['test', 'rules', path('test.yml')]));
  return code === 0 ? '' : output;
}
