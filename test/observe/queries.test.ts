// Every expression on the service's own series, asked of a real Prometheus while a real service is used by known clients.
import type { Panel, Scope } from '../../observability/model.ts';
import { dashboards } from '../../observability/panels/index.ts';
import { alerts, machineScope, type RuleGroup, ruleGroups } from '../../observability/rules/index.ts';
import type { Series } from '../support/prometheus.ts';
import { waitFor } from '../support/wait.ts';
import { near, percentile, percentileBounds, plausible, tolerance, within } from './support/bounds.ts';
import { openBrowser } from './support/browser.ts';
import { endCommands, startObserve, stateFolder } from './support/commands.ts';
import { countedIn } from './support/counted.ts';
import { drawnLines } from './support/drawn.ts';
import { type Observed, observeTraffic } from './support/observed.ts';
import type { Seen } from './support/traffic.ts';
import { watchedBy } from './support/watched.ts';

const place = { namespace: 'local', service: 'slipway' };
const rangeSeconds = 40;
const scope: Scope = { ...place, range: `${rangeSeconds}s` };
/** Windows of the rules are so many times shorter: their 5 minutes are 15 s. */
const timeScale = 20;
const poolSize = 5;
/** Between two looks of a replica at the reader; see service/database/reader.ts. */
const lookSeconds = 0.25;
const rules: RuleGroup[] = ruleGroups({ ...machineScope(place.service), reader: true }, timeScale);

let observed: Observed;
beforeAll(async () => {
  observed = await observeTraffic({ place, rules, poolSize, rangeSeconds });
}, 400_000);
afterAll(() => observed?.end());

const panels: Panel[] = dashboards.flatMap(({ rows }) => rows.flatMap((row) => [...row.panels]));
const own = panels.flatMap((panel) =>
  panel.queries
    .filter(({ source }) => source === 'service')
    .map((query): [string, Panel, string] => [`${panel.id}, ${query.legend}`, panel, query.expression(scope)]),
);
const ask = (id: string, legend: string): Promise<Series[]> => {
  const found = own.find(([name]) => name === `${id}, ${legend}`);
  if (found === undefined) throw new Error(`there is no ${id}, ${legend}`);
  return observed.prometheus.query(found[2], observed.at);
};
const byLabel = (series: readonly Series[], ...labels: string[]) =>
  Object.fromEntries(series.map(({ metric, value }) => [labels.map((label) => metric[label]).join(' '), value]));
const only = ([series]: readonly Series[]) => series?.value ?? Number.NaN;

const { seen, perSecond, groupBy } = countedIn(() => ({
  seen: observed.seen,
  end: observed.at,
  seconds: rangeSeconds,
}));

describe('every expression of a panel on series of the service', () => {
  it.each(own)('%s returns data: finite and plausible for its unit', async (name, { unit }, expression) => {
    const series = await observed.prometheus.query(expression, observed.at);
    expect([name, series.length > 0]).toEqual([name, true]);
    // Many times the budget may be used.
    const [least, most] = name.startsWith('budget-') ? plausible.count : plausible[unit];
    for (const { value } of series) within(name, value, least, most);
  });
});

const failed = ({ status }: Seen) => status >= 500 && status !== 501;

describe('rates are what the clients counted', () => {
  it('requests per minute', async () => {
    near('requests', only(await ask('requests', 'requests')), 60 * perSecond());
  });

  it('requests per second by method and route', async () => {
    const rates = byLabel(await ask('route-rate', '{{method}} {{route}}'), 'method', 'route');
    const expected = groupBy(({ method, route }) => `${method === 'PROPFIND' ? 'other' : method} ${route}`);
    expect(Object.keys(rates).sort()).toEqual([...expected.keys()].sort());
    for (const [name, rate] of expected) near(name, rates[name], rate);
  });

  it('refusals by status, and before a route', async () => {
    const rates = byLabel(await ask('refusals', '{{status}}'), 'status');
    const expected = groupBy(
      ({ status }) => `${status}`,
      ({ status }) => (status >= 400 && status < 500) || status === 501,
    );
    expect(Object.keys(rates).sort()).toEqual([...expected.keys()].sort());
    expect(expected.has('501')).toBe(true);
    for (const [status, rate] of expected) near(status, rates[status], rate);
    const early = byLabel(await ask('refusals', 'before a route: {{code}}'), 'code');
    near(
      'not HTTP',
      early.malformed_request,
      perSecond(({ route }) => route === '/'),
    );
  });

  it('the share of failures by route', async () => {
    const shares = byLabel(await ask('route-errors', '{{route}}'), 'route');
    const load = seen(({ route }) => route === '/load/:ms');
    const refused = load.filter(({ status }) => status === 503).length / load.length;
    expect(refused).toBeGreaterThan(0.1);
    near('/load/:ms', shares['/load/:ms'], refused);
    const routes = [...groupBy(({ route }) => route).keys()];
    expect(Object.keys(shares).sort()).toEqual(routes.sort());
    for (const route of routes) {
      const asked = seen((each) => each.route === route);
      const share = asked.filter(failed).length / asked.length;
      within(route, shares[route], share - 0.1, share + 0.1);
    }
  });

  it('objects that were put, got and deleted', async () => {
    const rates = byLabel(await ask('objects-rate', '{{operation}}'), 'operation');
    near(
      'put',
      rates.put,
      perSecond(({ route }) => route === '/upload'),
    );
    near(
      'get',
      rates.get,
      perSecond(({ route, method }) => route === '/files/:id' && method === 'GET'),
    );
    near(
      'delete',
      rates.delete,
      perSecond(({ route, method }) => route === '/files/:id' && method === 'DELETE'),
    );
  });

  it('calls to Redis: at least one for each session that was asked for', async () => {
    const calls = (await ask('redis-rate', '{{operation}}')).reduce((sum, { value }) => sum + value, 0);
    const sessions = perSecond(({ route }) => route === '/session');
    within('calls', calls, sessions * (1 - tolerance), 5 * perSecond());
  });

  it('calls to PostgreSQL: reads go to the reader, writes to the writer', async () => {
    const rates = byLabel(await ask('postgres-rate', '{{operation}}'), 'operation');
    const writes = perSecond(({ route, method }) => route === '/upload' || (route === '/keys' && method === 'POST'));
    within('write', rates.write, writes * (1 - tolerance), 10 * perSecond());
    expect(rates.read).toBeGreaterThan(0);
  });
});

describe('percentiles are in the bucket of what the clients measured, or just below', () => {
  const timed = ({ route, status }: Seen) =>
    !['unmatched', '/load/:ms', '/upload', '/files/:id'].includes(route) && status < 400;

  it.each([0.5, 0.95, 0.99])('of all requests whose time is the service’s own: %d', async (share) => {
    const measured = percentile(
      seen(timed).map(({ seconds }) => seconds),
      share,
    );
    const { from, to } = percentileBounds(measured, 2.5);
    within(`p${share * 100} of ${measured}`, only(await ask('latency', `p${share * 100}`)), from, to);
  });

  it('by route', async () => {
    const found = byLabel(await ask('route-duration', '{{route}}'), 'route');
    const routes = [...groupBy(({ route }) => route).keys()];
    expect(Object.keys(found).sort()).toEqual(routes.sort());
    for (const route of routes) {
      const times = seen((each) => each.route === route).map(({ seconds }) => seconds);
      const { from, to } = percentileBounds(percentile(times, 0.95), 5);
      within(`${route}, ${percentile(times, 0.95)}`, found[route], from, to);
    }
    // It burns 30 ms.
    within('/load/:ms', found['/load/:ms'], 0.025, 10);
  });

  it.each(['redis', 'postgres', 'objects'])(
    'of %s: no call takes longer than the request that it is made for',
    async (store) => {
      const p95 = (which: (each: Seen) => boolean) =>
        percentile(
          seen(which).map(({ seconds }) => seconds),
          0.95,
        );
      // Each of these is one call of one route; those of other stores are made for many, and as quick as the slowest of them.
      const alone: Record<string, (each: Seen) => boolean> = {
        put: ({ route }) => route === '/upload',
        get: ({ route, method }) => route === '/files/:id' && method === 'GET',
        delete: ({ route, method }) => route === '/files/:id' && method === 'DELETE',
      };
      const routes = [...groupBy(({ route }) => route).keys()];
      const slowest = Math.max(...routes.map((name) => p95(({ route }) => route === name)));
      const found = byLabel(await ask(`${store}-duration`, '{{operation}}'), 'operation');
      expect(Object.keys(found).length).toBeGreaterThan(0);
      for (const [operation, seconds] of Object.entries(found)) {
        const client = store === 'objects' ? p95(alone[operation] ?? (() => false)) : slowest;
        expect(client).toBeGreaterThan(0);
        within(`${operation}, ${client}`, seconds, 0.00001, percentileBounds(client, 1).to);
      }
    },
  );
});

describe('levels are what the machine and the settings say', () => {
  it('instances, drained ones, the connections of the pools', async () => {
    expect(only(await ask('active-instances', 'instances'))).toBe(observed.replicas);
    expect(only(await ask('draining', 'draining'))).toBe(0);
    const limits = byLabel(await ask('pool-connections', '{{pool}} limit'), 'pool');
    expect(limits).toEqual({ reader: poolSize * observed.replicas, writer: poolSize * observed.replicas });
    const used = byLabel(await ask('pool-connections', '{{pool}} used'), 'pool');
    for (const pool of ['reader', 'writer']) within(pool, used[pool], 0, poolSize * observed.replicas);
    expect(Object.keys(byLabel(await ask('pool-waiting', '{{pool}}'), 'pool')).sort()).toEqual(['reader', 'writer']);
  });

  it('the lag of the reader, in seconds', async () => {
    const [, , expression] = own.find(([name]) => name === 'reader-lag, {{pod}}') ?? [];
    // One scrape may fall into a moment in which a busy machine did not let the replica look: half of them do not.
    const half = `quantile_over_time(0.5, (${expression})[${rangeSeconds}s:2s])`;
    const lag = byLabel(await observed.prometheus.query(half, observed.at), 'pod');
    expect(Object.keys(lag).sort()).toEqual(['replica-1', 'replica-2']);
    // What a client of both servers measured beside it, and the time between two looks.
    const known = percentile(observed.lagSeconds, 0.5) + lookSeconds;
    for (const [pod, seconds] of Object.entries(lag)) within(`${pod}, known ${known}`, seconds, 0, 3 * known);
  });

  it('CPU and resident memory of each replica, as the kernel counts them', async () => {
    const cores = byLabel(await ask('cpu', '{{pod}}'), 'pod');
    const bytes = byLabel(await ask('memory', '{{pod}}'), 'pod');
    const heap = byLabel(await ask('heap', '{{pod}}'), 'pod');
    const { begin, end } = observed.kernel;
    for (let index = 0; index < observed.replicas; index++) {
      const pod = `replica-${index + 1}`;
      const used = (end.cpuSeconds[index] as number) - (begin.cpuSeconds[index] as number);
      near(`cores of ${pod}`, cores[pod], used / (end.at - begin.at), 0.3);
      near(`bytes of ${pod}`, bytes[pod], end.residentBytes[index] as number, 0.3);
      within(`heap of ${pod}`, heap[pod], 5e6, bytes[pod] as number);
    }
  });

  it('both caches, which spare some look-ups', async () => {
    const hits = byLabel(await ask('cache-hits', '{{cache}}'), 'cache');
    expect(Object.keys(hits).sort()).toEqual(['files', 'keys']);
    // The admin key is looked up with every request, and 30 s are not over its time in the cache.
    within('keys', hits.keys, 0.5, 1);
  });
});

describe('the page of make observe, of the same Prometheus', () => {
  afterAll(() => endCommands());

  // No reader runs beside `make run`, from which page.test.ts has the other panels drawn.
  it('has drawn the lag of the reader', async () => {
    const whose = ['--namespace', place.namespace, '--service', place.service];
    const { url } = await startObserve(stateFolder(), ['--prometheus', observed.prometheus.url, ...whose]);
    const browser = await openBrowser();
    try {
      const page = await browser.context.newPage();
      page.setDefaultTimeout(120_000);
      await page.goto(url);
      const lag = async () => (await drawnLines(page)).find(({ id }) => id === 'reader-lag');
      // One line may lie under the other.
      await waitFor('a line', async () => ((await lag())?.visible.length ?? 0) > 0, 120_000, 1000);
      expect(await lag()).toMatchObject({ series: ['replica-1', 'replica-2'], state: '' });
    } finally {
      await browser.close();
    }
  }, 300_000);
});

describe('every rule on series of the service', () => {
  const recording = rules.flatMap((group) => group.rules).flatMap((rule) => ('record' in rule ? [rule] : []));
  const names = [...new Set(recording.map(({ record }) => record))];
  const failuresOnly = 'service:dependency_errors:ratio_rate2m';

  it('is evaluated without an error', async () => {
    const answer = await fetch(`${observed.prometheus.url}/api/v1/rules`);
    const { data } = (await answer.json()) as {
      data: { groups: { rules: { name: string; health: string; lastError?: string }[] }[] };
    };
    const found = data.groups.flatMap((group) => group.rules);
    expect(found).toHaveLength(rules.flatMap((group) => group.rules).length);
    expect(found.filter(({ health }) => health === 'err')).toEqual([]);
  });

  it.each(names.filter((name) => name !== failuresOnly))('%s has been recorded: finite, not negative', async (name) => {
    const series = await observed.prometheus.query(`last_over_time(${name}[1m])`, observed.at);
    expect(series.length).toBeGreaterThan(0);
    const highest = name.includes('ratio') ? 1 : 1000;
    for (const { value } of series) within(name, value, 0, highest);
  });

  it('the requests of each objective are those that the clients counted', async () => {
    const seconds = 300 / timeScale;
    const recent = (which: (each: Seen) => boolean) =>
      seen((each) => each.at > observed.at - seconds && which(each)).length / seconds;
    const byObjective = async (name: string) =>
      byLabel(await observed.prometheus.query(`last_over_time(${name}[10s])`, observed.at), 'objective');
    const counted = ({ route }: Seen) => !['unmatched', '/load/:ms'].includes(route);
    const requests = await byObjective('service:slo_requests:rate5m');
    near('requests', requests.availability, recent(counted), 0.25);
    const bad = await byObjective('service:slo_bad_requests:rate5m');
    // Many of /load are refused, and none of them counts.
    expect(recent(failed)).toBeGreaterThan(0);
    near(
      'bad',
      bad.availability,
      recent((each) => counted(each) && failed(each)),
      0.35,
    );
  });

  it(`${failuresOnly} is the share of calls by dependency`, async () => {
    // Hardly anything fails here: turned round it is the share of those that work, of the same series.
    const rule = recording.find(({ record }) => record === failuresOnly);
    const works = byLabel(
      await observed.prometheus.query((rule?.expr ?? '').replace('"error"', '"ok"'), observed.at),
      'dependency',
    );
    expect(Object.keys(works).sort()).toEqual(['objects', 'postgres', 'redis']);
    // On a busy machine a call may take longer than its limit.
    for (const [dependency, share] of Object.entries(works)) within(dependency, share, 0.5, 1);
  });

  const byName = new Map(alerts.map((alert) => [alert.name, alert]));
  const alerting = rules
    .flatMap((group) => group.rules)
    .flatMap((rule) => ('alert' in rule ? [rule] : []))
    .filter(({ alert }) => byName.get(alert)?.sources.every((source) => source === 'service'));

  it.each(alerting.map(({ alert, expr }) => [alert, expr]))('%s compares something that is there', async (_, expr) => {
    // What counts failures is none when all is well.
    const watched = watchedBy(expr)
      .replaceAll(`${failuresOnly}{`, 'service:slo_requests:rate5m{')
      .replace(/,dependency="\w+"/, '');
    const series = await observed.prometheus.query(
      watched.replace(/\b(service:[\w:]+)(\{[^}]*\})(?!\[)/g, 'last_over_time($1$2[1m])'),
      observed.at,
    );
    expect(series.length).toBeGreaterThan(0);
    expect(series.filter(({ value }) => !Number.isFinite(value))).toEqual([]);
  });
});
