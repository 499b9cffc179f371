// The page of `make observe` in a real browser, on a real Prometheus that scrapes a service under real load.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import type { Data, Model } from '../../local/observe/page/shapes.ts';
import { dashboards } from '../../observability/panels/index.ts';
import { objectives } from '../../observability/rules/objectives.ts';
import { waitFor } from '../support/wait.ts';
import { type Browser, openBrowser } from './support/browser.ts';
import {
  endCommands,
  type Observe,
  type Run,
  startObserve,
  startRun,
  stateFolder,
  untilPrinted,
} from './support/commands.ts';
import { drawnLines } from './support/drawn.ts';
import { type Load, startLoad } from './support/load.ts';

jest.setTimeout(480_000);
const pictures = join(__dirname, '..', '..', 'docs', 'operations');

let run: Run;
let observe: Observe;
let load: Load;
let browser: Browser;
let page: Page;
/** What the browser complained of, and what it asked of others. */
let complaints: string[] = [];

async function open(url: string, from = browser): Promise<Page> {
  const opened = await from.context.newPage();
  opened.setDefaultTimeout(120_000);
  opened.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  opened.on('pageerror', (error) => complaints.push(error.message));
  opened.on('request', (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) complaints.push(`asked ${request.url().slice(0, 100)}`);
  });
  await opened.goto(url);
  return opened;
}

const answer = async <T>(path: string) => (await (await fetch(`${observe.url}${path}`)).json()) as T;
const text = (selector: string) => page.locator(selector).innerText();

beforeAll(async () => {
  const stateDir = stateFolder();
  browser = await openBrowser();
  run = await startRun(stateDir);
  observe = await startObserve(stateDir);
  load = startLoad(run.url, run.adminKey, 8);
  page = await open(observe.url);
});
afterEach(() => {
  expect(complaints).toEqual([]);
});
afterAll(async () => {
  await load?.stop();
  await browser?.close();
  await endCommands();
});

const drawable = dashboards
  .flatMap(({ rows }) => rows.flatMap((row) => [...row.panels]))
  .filter(({ queries }) => queries.some(({ source }) => source === 'service'));

describe('the page under load', () => {
  it('has drawn lines in every panel that has a source here', async () => {
    const expected = drawable.filter(({ kind }) => kind === 'lines').map(({ id }) => id);
    expect(expected.length).toBeGreaterThan(15);
    let drawn = await drawnLines(page);
    // No reader here: queries.test.ts has it drawn.
    const missing = () =>
      expected.filter((id) => id !== 'reader-lag' && !drawn.some((one) => one.id === id && one.visible.length > 0));
    await waitFor(
      'lines in every panel',
      async () => {
        drawn = await drawnLines(page);
        return missing().length === 0;
      },
      180_000,
      2000,
    ).catch((error: Error) => {
      throw new Error(
        `${error.message}; none in ${missing().map((id) => `${id} (${drawn.find((one) => one.id === id)?.state})`)}`,
      );
    });
    expect(drawn.map(({ id }) => id)).toEqual(expected);
    expect(drawn.find(({ id }) => id === 'reader-lag')).toMatchObject({
      visible: [],
      state: expect.stringMatching(/^No reader is set; or it is lost/),
    });
    const seen = drawn.reduce((sum, { visible }) => sum + visible.length, 0);
    const named = drawn.reduce((sum, { series }) => sum + series.length, 0);
    console.log(`${seen} of ${named} lines can be seen in ${drawn.length} panels; the others lie under one of them`);
  });

  it('has numbers with their unit where one number is the answer', async () => {
    for (const { id } of drawable.filter(({ kind }) => kind === 'number'))
      expect(await text(`#${id} .figures`)).toMatch(/\d/);
    expect(await text('#active-instances dd')).toBe('2');
  });

  it('draws what Prometheus holds, every line of it', async () => {
    const { panels, times } = await answer<Data>('/data.json?minutes=15');
    expect(times).toHaveLength(181);
    const [requests] = panels.requests?.series ?? [];
    expect(requests?.values.filter((value) => value !== null).length).toBeGreaterThan(2);
    const drawn = await drawnLines(page);
    const byRoute = drawn.find(({ id }) => id === 'route-rate');
    expect(byRoute?.series.length).toBe(panels['route-rate']?.series.length);
    expect(byRoute?.series).toContain('GET /session');
  });

  it('shows the whole legend of a chart with a line for each objective', async () => {
    const legend = page.locator('#budget-burn .u-legend');
    const names = ['Time', ...objectives.map(({ id }) => id)];
    await waitFor(
      'a name for each objective',
      async () => (await legend.locator('.u-label').allInnerTexts()).join() === names.join(),
      90_000,
      500,
    );
    const { scrollHeight, clientHeight } = await legend.evaluate((element) => ({
      scrollHeight: element.scrollHeight,
      clientHeight: element.clientHeight,
    }));
    expect(scrollHeight).toBeLessThanOrEqual(clientHeight);
  });

  it('names what only a cluster has as a group, and leaves no broken chart for it', async () => {
    const { dashboards: shown } = await answer<Model>('/model.json');
    const elsewhere = shown
      .flatMap(({ rows }) => rows.flatMap((row) => row.panels))
      .filter((panel) => panel.elsewhere.length > 0);
    expect(elsewhere.length).toBeGreaterThan(3);
    const groups = (await page.locator('.elsewhere').allTextContents()).join('\n');
    for (const { id, title } of elsewhere) {
      expect(groups).toContain(title);
      expect(await page.locator(`#${id}`).count()).toBe(0);
    }
  });

  it.each([
    ['1 h', 60],
    ['6 h', 360],
    ['15 min', 15],
  ])('shows the last %s', async (label, minutes) => {
    const asked = page.waitForResponse((response) => response.url().endsWith(`minutes=${minutes}`));
    await page.getByLabel(label).check();
    const { times } = (await (await asked).json()) as Data;
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBe(minutes * 60);
    // A few minutes are a dot in six hours.
    await waitFor('charts', async () => (await drawnLines(page)).some(({ series }) => series.length > 0), 60_000);
  });

  it('asks again every few seconds', async () => {
    const before = await text('#age');
    await waitFor('a newer time', async () => (await text('#age')) !== before, 90_000);
  });

  it.each(['light', 'dark'] as const)('can be read in a narrow window, %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 360, height: 740 });
    const contrast = await page.evaluate(() => {
      const luminance = (colour: string) => {
        const parts = (/rgb\((\d+), (\d+), (\d+)\)/.exec(colour) ?? []).slice(1, 4).map((part) => Number(part) / 255);
        const [red = 0, green = 0, blue = 0] = parts.map((part) =>
          part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
        );
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
      };
      const card = luminance(getComputedStyle(document.querySelector('.panel') ?? document.body).backgroundColor);
      const texts = ['h3', '.question', 'dd', 'dt', '.u-label', '.notice', 'a, summary'].flatMap((selector) => [
        ...document.querySelectorAll(selector),
      ]);
      return texts.map((element) => {
        const own = luminance(getComputedStyle(element).color);
        return (Math.max(own, card) + 0.05) / (Math.min(own, card) + 0.05);
      });
    });
    expect(contrast.length).toBeGreaterThan(20);
    // WCAG 2.2, AA.
    expect(Math.min(...contrast)).toBeGreaterThanOrEqual(4.5);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    await waitFor(
      'charts of its width and colours',
      async () => {
        const drawn = await drawnLines(page);
        const widest = await page.evaluate(() =>
          Math.max(...[...document.querySelectorAll('.uplot')].map((chart) => chart.clientWidth)),
        );
        return widest < 360 && drawn.some(({ visible }) => visible.length > 0);
      },
      60_000,
    );
  });

  // Minutes of load: only when the pictures are to be made anew.
  if (process.env.FULL === '1')
    it('is as the pictures in docs/operations show it', async () => {
      await page.emulateMedia({ colorScheme: 'light' });
      await page.setViewportSize({ width: 1240, height: 1180 });
      // Long enough for lines to have a shape.
      await waitFor(
        'three minutes of load',
        async () => {
          const { panels } = await answer<Data>('/data.json?minutes=15');
          return (panels.requests?.series[0]?.values.filter((value) => value !== null).length ?? 0) > 36;
        },
        480_000,
        5000,
      );
      await waitFor(
        'a wide chart',
        async () => (await drawnLines(page)).every(({ id, visible }) => id === 'reader-lag' || visible.length > 0),
        30_000,
      );
      mkdirSync(pictures, { recursive: true });
      await page.evaluate(() => scrollTo(0, 0));
      await page.screenshot({ path: join(pictures, 'overview.png') });
      await page.getByText('Redis: sessions and rate limits').scrollIntoViewIfNeeded();
      await page.evaluate(() => document.querySelectorAll('h2')[3]?.scrollIntoView());
      await page.screenshot({ path: join(pictures, 'stores.png') });
      for (const name of ['overview.png', 'stores.png'])
        expect(readFileSync(join(pictures, name)).length).toBeLessThan(300_000);
    }, 600_000);
});

describe('the page when something is wrong', () => {
  it('tells two alerts of one name apart', async () => {
    const other = await browser.context.newPage();
    other.setDefaultTimeout(120_000);
    const common = { name: 'EventLoopBlocked', state: 'firing', severity: 'ticket', summary: 'It is late', since: 0 };
    await other.route('**/data.json*', async (route) => {
      const real = (await (await route.fetch()).json()) as Data;
      const alerts = ['pod replica-1', 'pod replica-2'].map((about) => ({ ...common, about }));
      await route.fulfill({ json: { ...real, alerts } });
    });
    await other.goto(observe.url);
    await other.getByText('EventLoopBlocked fires (pod replica-1, ticket').waitFor();
    await other.getByText('EventLoopBlocked fires (pod replica-2, ticket').waitFor();
    await other.close();
  });

  it('says that the clock of the browser is off', async () => {
    const other = await browser.context.newPage();
    other.setDefaultTimeout(120_000);
    await other.clock.install({ time: Date.now() + 300_000 });
    await other.goto(observe.url);
    await other.getByText(/The clock of this browser is (29|30)\d s ahead/).waitFor();
    await other.getByText('timedatectl').waitFor();
    await other.close();
  });

  it('says that Prometheus is gone, and what to do, as the terminal does', async () => {
    const [recorded] = JSON.parse(readFileSync(join(run.stateDir, 'observe', 'processes.json'), 'utf8')) as {
      pid: number;
    }[];
    process.kill(recorded?.pid ?? 0, 'SIGKILL');
    await page.getByText(/Prometheus at .* does not answer/).waitFor();
    expect(await text('#findings')).toContain('make observe again');
    expect(await text('#alerts')).toBe('Whether an alert fires is not known.');
    expect(await text('#requests')).toContain('see the top of the page');
    await untilPrinted(observe, /does not answer .*make observe again/);
  });

  it('says that make observe itself is gone', async () => {
    expect(await observe.interrupt()).toBe(0);
    await page.getByText('make observe does not answer').waitFor();
    // The browser says so too, which here is no fault of the page.
    complaints = complaints.filter((line) => !line.includes('ERR_CONNECTION_REFUSED'));
  });
});
