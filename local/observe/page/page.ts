// The page of `make observe`: asks its server every few seconds and draws what it gets.
import { element, part } from './elements.ts';
import { showAlerts, showFindings } from './notices.ts';
import { type Board, buildBoard } from './panels.ts';
import { type Data, type Finding, type Model, type RangeMinutes, rangesMinutes } from './shapes.ts';

const refreshMs = 5000;
/** Longer than the server gives Prometheus. */
const answerMs = 30_000;
const clockSeconds = 30;

let minutes: RangeMinutes = rangesMinutes[0];
let board: Board | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;
/** Of the newest round: an answer to an older question is not drawn. */
let round = 0;

const gone: Finding = {
  what: 'make observe does not answer: it has ended, or this machine is very busy.',
  remedy: 'Start it again; this page goes on by itself when it has the same address.',
};

async function ask<T>(path: string): Promise<T> {
  const response = await fetch(path, { signal: AbortSignal.timeout(answerMs) });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return (await response.json()) as T;
}

async function refresh(): Promise<void> {
  clearTimeout(timer);
  round += 1;
  const mine = round;
  try {
    board ??= start(await ask<Model>('/model.json'));
    const data = await ask<Data>(`/data.json?minutes=${minutes}`);
    if (mine === round) show(board, data);
  } catch {
    if (mine === round) {
      showFindings([gone]);
      showAlerts(null);
    }
  }
  if (mine === round) timer = setTimeout(refresh, refreshMs);
}

function start({ namespace, service, prometheus, dashboards }: Model): Board {
  part('whose').textContent = `${service} in ${namespace}, from Prometheus at ${prometheus}`;
  part('dashboards').replaceChildren();
  return buildBoard(part('dashboards'), { namespace, service, prometheus, dashboards });
}

function show(to: Board, { now, server, findings, alerts, times, panels }: Data): void {
  showFindings([...findings, ...clockFinding(server)]);
  showAlerts(alerts);
  to.fill(times, panels);
  part('age').textContent = `as of ${new Date(now * 1000).toLocaleTimeString()}`;
}

/** The server holds its own clock against Prometheus'; this is about the browser's, which may be on another machine. */
function clockFinding(server: number): Finding[] {
  const offset = Math.round(Date.now() / 1000 - server);
  if (Math.abs(offset) <= clockSeconds) return [];
  return [
    {
      what: `The clock of this browser is ${Math.abs(offset)} s ${offset > 0 ? 'ahead of' : 'behind'} that of make observe; times on this page are Prometheus'.`,
      remedy: 'Set the clocks by the network, on Linux: timedatectl set-ntp true',
    },
  ];
}

function rangeChoice(range: RangeMinutes): HTMLElement {
  const input = element('input', { type: 'radio', name: 'range', value: `${range}`, checked: range === minutes });
  input.addEventListener('change', () => {
    minutes = range;
    void refresh();
  });
  return element('label', {}, input, range < 60 ? ` ${range} min` : ` ${range / 60} h`);
}

part('ranges').append(...rangesMinutes.map(rangeChoice));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => void refresh());
void refresh();
