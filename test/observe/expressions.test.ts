// The expressions of the panels: each parses, and scale events are counted as they were.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../local/path.ts';
import { findPrometheus, type PrometheusServer, startPrometheus } from '../../local/prometheus.ts';
import type { Panel } from '../../observability/model.ts';
import { dashboards } from '../../observability/panels/index.ts';
import { ask } from '../support/prometheus.ts';
import { checkRules } from './support/promtool.ts';

const scope = { namespace: 'there', service: 'web', range: '1m' };
const panels: Panel[] = dashboards.flatMap(({ rows }) => rows.flatMap((row) => [...row.panels]));
const expressions = panels.flatMap(({ id, queries }) =>
  queries.map(({ expression }) => ({ id, text: expression(scope) })),
);

/** Puts expressions into a rules file, as promtool checks nothing smaller. */
const check = (texts: readonly string[]) =>
  checkRules([
    { name: 'panels', interval: '1m', rules: texts.map((expr, index) => ({ record: `panel:${index}`, expr })) },
  ]);

describe('promtool', () => {
  it('finds no fault in any expression of a panel', async () => {
    expect(expressions.length).toBeGreaterThan(40);
    expect(await check(expressions.map(({ text }) => text))).toMatchObject({ code: 0 });
  });

  it('would find one', async () => {
    const { code, output } = await check([`${expressions[0]?.text})`]);
    expect(code).not.toBe(0);
    expect(output).toContain('parse error');
  });
});

const hpa = 'kube_horizontalpodautoscaler_status_desired_replicas';
const stepSeconds = 15;
const hour = 3600 / stepSeconds;

/** Wanted replicas, each for so many samples; undefined for no sample. */
type Stretches = readonly [replicas: number | undefined, samples: number][];

interface Case {
  what: string;
  /** By the instance of kube-state-metrics that shows it, and the name of the HPA. The last sample of each is now. */
  series: readonly { instance: string; name?: string; stretches: Stretches }[];
  out: number;
  in: number;
}

const cases: readonly Case[] = [
  { what: 'none in a steady day', series: [{ instance: 'a', stretches: [[2, 25 * hour]] }], out: 0, in: 0 },
  {
    what: 'two steps up and three down, however large',
    series: [
      {
        instance: 'a',
        stretches: [
          [2, hour],
          [4, 1],
          [9, hour],
          [8, 1],
          [7, hour],
          [2, hour],
        ],
      },
    ],
    out: 2,
    in: 3,
  },
  {
    what: 'none for the first decision of a new HPA, which starts at 0',
    series: [
      {
        instance: 'a',
        stretches: [
          [0, 4],
          [2, hour],
        ],
      },
    ],
    out: 0,
    in: 0,
  },
  {
    what: 'one, when kube-state-metrics was restarted meanwhile, and its series with it',
    series: [
      {
        instance: 'a',
        stretches: [
          [2, hour],
          [undefined, hour],
        ],
      },
      {
        instance: 'b',
        stretches: [
          [2, 20],
          [3, hour - 20],
        ],
      },
    ],
    out: 1,
    in: 0,
  },
  {
    what: 'none of another HPA',
    series: [
      { instance: 'a', stretches: [[2, hour]] },
      {
        instance: 'a',
        name: 'other',
        stretches: [
          [2, 8],
          [5, 8],
          [2, hour],
        ],
      },
    ],
    out: 0,
    in: 0,
  },
  {
    what: 'none from the day before',
    series: [
      {
        instance: 'a',
        stretches: [
          [2, hour],
          [5, hour / 2],
          [2, 24.5 * hour],
        ],
      },
    ],
    out: 0,
    in: 0,
  },
];

/** What was scraped until `end`, in seconds since 1970, as OpenMetrics: each case in a namespace of its own. */
function openMetrics(end: number): string {
  const lines = cases.flatMap(({ series }, index) =>
    series.flatMap(({ instance, name = 'web', stretches }) => {
      const values = stretches.flatMap(([replicas, samples]) => Array<number | undefined>(samples).fill(replicas));
      const labels = `namespace="case-${index}",horizontalpodautoscaler="${name}",instance="${instance}"`;
      return values.flatMap((value, sample) =>
        value === undefined ? [] : [`${hpa}{${labels}} ${value} ${end - (values.length - 1 - sample) * stepSeconds}`],
      );
    }),
  );
  return `# TYPE ${hpa} gauge\n${lines.join('\n')}\n# EOF\n`;
}

describe('scale events of 24 hours, by a Prometheus that holds such a day', () => {
  const end = Math.floor(Date.now() / 1000 / stepSeconds) * stepSeconds;
  let dir: string;
  let prometheus: PrometheusServer;
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'scale-events-'));
    const programs = await findPrometheus({ cacheDir: cacheFolder(), log: () => undefined });
    const history = join(dir, 'history.txt');
    writeFileSync(history, openMetrics(end));
    const args = ['tsdb', 'create-blocks-from', 'openmetrics', '--quiet', history, join(dir, 'data')];
    await promisify(execFile)(programs.promtool, args, { env: { ...process.env, ...programs.env } });
    prometheus = await startPrometheus({ dir, programs });
  });
  afterAll(async () => {
    await prometheus?.stop();
    rmSync(dir, { recursive: true });
  });

  const panel = panels.find(({ id }) => id === 'scale-events') as Panel;

  it.each(cases.map((each, index): [string, Case, number] => [each.what, each, index]))(
    '%s',
    async (_, { out, in: inwards }, index) => {
      const found = await Promise.all(
        panel.queries.map(async ({ legend, expression }) => {
          const query = expression({ ...scope, namespace: `case-${index}` });
          return [legend, (await ask(prometheus.url, query, end))[0]?.value];
        }),
      );
      expect(Object.fromEntries(found)).toEqual({ 'scale-out': out, 'scale-in': inwards });
    },
  );

  it('rules that Prometheus refuses are refused in one line, with the reason', async () => {
    const faulty = JSON.stringify({ groups: [{ name: 'a', rules: [{ record: 'b', expr: 'sum(' }] }] });
    await expect(prometheus.setRules(faulty)).rejects.toThrow(/^Prometheus refuses the rules: .*parse error: .*$/);
    await prometheus.setRules('{}');
  });
});
