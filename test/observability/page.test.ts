// What the page of `make observe` writes: numbers with units, colours by thresholds, a section of the runbook.
import { collect, type Source } from '../../local/observe/data.ts';
import { format, level } from '../../local/observe/page/units.ts';
import { sectionOf } from '../../local/observe/runbook.ts';
import type { Unit } from '../../observability/model.ts';

describe('a number', () => {
  it.each<[number | null | undefined, Unit, string]>([
    [0, 'count', '0'],
    [12, 'count', '12'],
    [1_234_567, 'count', '1.23 M'],
    [0.5, 'per-second', '0.5/s'],
    [1500, 'per-minute', '1500/min'],
    [0, 'seconds', '0 s'],
    [0.0000045, 'seconds', '4.5 µs'],
    [0.0451, 'seconds', '45.1 ms'],
    [0.25, 'seconds', '250 ms'],
    [90, 'seconds', '1.5 min'],
    [7200, 'seconds', '2 h'],
    [0.0123, 'ratio', '1.23 %'],
    [1, 'ratio', '100 %'],
    [1024, 'bytes', '1 KiB'],
    [100 * 2 ** 20, 'bytes', '100 MiB'],
    [2_000_000, 'bytes-per-second', '1.91 MiB/s'],
    [1, 'cores', '1 core'],
    [0.25, 'cores', '0.25 cores'],
    [-0.002, 'seconds', '-2 ms'],
    [null, 'count', '–'],
    [undefined, 'seconds', '–'],
    [Number.NaN, 'ratio', '–'],
  ])('%p as %s is %s', (value, unit, text) => {
    expect(format(value, unit)).toBe(text);
  });

  const above = [
    { value: 1, severity: 'warning' },
    { value: 10, severity: 'critical' },
  ] as const;
  const below = [
    { value: 2, severity: 'warning', below: true },
    { value: 1, severity: 'critical', below: true },
  ] as const;
  it.each([
    [0.9, above, 'ok'],
    [1, above, 'warning'],
    [10, above, 'critical'],
    [2, below, 'ok'],
    [1, below, 'warning'],
    [0, below, 'critical'],
    [null, below, 'ok'],
    [5, undefined, 'ok'],
  ] as const)('%p with thresholds %j is %s', (value, thresholds, expected) => {
    expect(level([value], thresholds)).toBe(expected);
  });
});

describe('a section of the runbook', () => {
  const text =
    '# Operations\n## Runbook\n### Service down\nLook:\n```\n# a comment\n## no heading\n```\n### Pool, exhausted\nMore.\n## Then\n';

  it('ends where the next one begins', () => {
    expect(sectionOf(text, 'service-down')).toBe('### Service down\nLook:\n```\n# a comment\n## no heading\n```');
    expect(sectionOf(text, 'pool-exhausted')).toBe('### Pool, exhausted\nMore.');
    expect(sectionOf(text, 'runbook')).toContain('More.');
    expect(sectionOf(text, 'then')).toBe('## Then');
  });

  it('is none when no heading has its name', () => {
    for (const anchor of ['no-heading', 'a-comment', 'service', '']) expect(sectionOf(text, anchor)).toBeUndefined();
  });
});

describe('what is asked of Prometheus', () => {
  const rangeOf = (text: string) => Number(/\[(\d+)s\]/.exec(text)?.[1]);
  const labels = { alertname: 'ServiceDown', namespace: 'shop', service: 'web', severity: 'page' };
  const alert = { labels, annotations: {}, state: 'firing', activeAt: new Date(0).toISOString() };
  const alerts = [alert, { ...alert, labels: { ...labels, service: 'other' } }];
  /** With one panel of lines; `asked` gets its expressions. */
  const source = (scrapeSeconds: number, asked: string[] = []): Source => ({
    api: {
      url: 'http://127.0.0.1:9090',
      version: async () => '3.0.0',
      time: async () => 0,
      query: async () => [],
      queryRange: async (expression) => {
        asked.push(expression);
        return [];
      },
      alerts: async () => alerts,
    },
    dashboards: [
      {
        id: 'one',
        title: 'One',
        rows: [
          {
            title: 'Row',
            panels: [
              {
                id: 'rate',
                title: 'Rate',
                question: 'How much?',
                kind: 'lines',
                unit: 'per-second',
                noData: 'None.',
                queries: [{ legend: 'all', source: 'service', expression: ({ range }) => `rate(a[${range}])` }],
              },
            ],
          },
        ],
      },
    ],
    has: () => true,
    alertNames: new Set(['ServiceDown']),
    namespace: 'shop',
    service: 'web',
    scrapeSeconds,
    prometheusRemedy: '',
    targetsRemedy: '',
  });

  it.each([
    [5, 15],
    [30, 15],
    [30, 60],
    [30, 360],
  ] as const)(
    'are rates over four scrapes at least, and all that is between two points: %d s apart, %d minutes shown',
    async (scrapeSeconds, minutes) => {
      const asked: string[] = [];
      const { times } = await collect(source(scrapeSeconds, asked), minutes);
      const [first = 0, second = 0] = times;
      expect(asked).toHaveLength(1);
      expect(rangeOf(asked[0] as string)).toBeGreaterThanOrEqual(4 * scrapeSeconds);
      expect(rangeOf(asked[0] as string)).toBeGreaterThanOrEqual(second - first);
    },
  );

  it('are the alerts of this service, not those of another in its namespace', async () => {
    const { alerts: shown } = await collect(source(5), 15);
    expect(shown).toEqual([expect.objectContaining({ name: 'ServiceDown', about: '' })]);
  });
});
