// Rows and panels: built once from the model, then filled with data again and again.
import { createChart } from './chart.ts';
import { element } from './elements.ts';
import type { Model, PanelData, PanelView, RowView } from './shapes.ts';
import { format, level } from './units.ts';

/** Fills one panel; undefined when nothing is known of it now. */
type Fill = (times: readonly number[], data: PanelData | undefined) => void;

export interface Board {
  fill(times: readonly number[], panels: Readonly<Record<string, PanelData>>): void;
}

export function buildBoard(place: HTMLElement, { dashboards }: Model): Board {
  const fills = new Map<string, Fill>();
  for (const { title, rows } of dashboards) {
    const section = element('section', { ariaLabel: title });
    if (dashboards.length > 1) section.append(element('h2', {}, title));
    section.append(...rows.map((row) => buildRow(row, fills)));
    place.append(section);
  }
  return {
    fill(times, panels) {
      for (const [id, fill] of fills) fill(times, panels[id]);
    },
  };
}

function buildRow({ title, panels }: RowView, fills: Map<string, Fill>): HTMLElement {
  const here = panels.filter(({ elsewhere }) => elsewhere.length === 0);
  const others = panels.filter(({ elsewhere }) => elsewhere.length > 0);
  const row = element('section', {}, element('h2', {}, title));
  row.append(element('div', { className: 'row' }, ...here.map((panel) => buildPanel(panel, fills))));
  if (others.length > 0) row.append(elsewhereGroup(others));
  return row;
}

function elsewhereGroup(panels: readonly PanelView[]): HTMLElement {
  const entries = panels.map(({ title, question, elsewhere }) =>
    element('li', {}, element('strong', {}, title), ` (${elsewhere.join(', ')}): ${question}`),
  );
  return element(
    'details',
    { className: 'notice elsewhere' },
    element('summary', {}, `In a cluster only: ${panels.map(({ title }) => title).join(', ')}`),
    element('ul', {}, ...entries),
  );
}

function buildPanel(panel: PanelView, fills: Map<string, Fill>): HTMLElement {
  const { id, title, question, kind } = panel;
  const place = element('div', { className: 'drawing' });
  const state = element('p', { className: 'state' }, 'Asking Prometheus …');
  const draw = kind === 'number' ? numbers(place, panel) : lines(place, panel);
  fills.set(id, (times, data) => {
    const text = stateText(panel, data);
    state.textContent = text;
    state.hidden = text === '';
    state.classList.toggle('failed', data?.error !== undefined);
    draw(times, text === '' ? data : undefined);
  });
  const heading = element('h3', {}, title);
  const card = element('article', { className: `panel ${kind}`, id }, heading);
  card.append(element('p', { className: 'question' }, question), place, state);
  return card;
}

/** What stands where nothing can be drawn; empty when something can. */
function stateText({ noData, mayBeEmpty }: PanelView, data: PanelData | undefined): string {
  if (!data) return 'Not known now: see the top of the page.';
  if (data.error !== undefined) return `Prometheus cannot answer this: ${data.error}`;
  if (data.series.length > 0) return '';
  return mayBeEmpty ? `None, which is well. ${noData}` : noData;
}

function numbers(place: HTMLElement, { unit, thresholds }: PanelView): Fill {
  const words = { ok: '', warning: 'warning', critical: 'critical' };
  return (_, data) => {
    const figures = (data?.series ?? []).map(({ name, values }) => {
      const found = level(values, thresholds);
      const figure = element('dd', { className: thresholds ? found : '' }, format(values[0], unit));
      // Not by colour alone.
      if (words[found]) figure.append(' ', element('small', {}, words[found]));
      return element('div', {}, element('dt', {}, name), figure);
    });
    place.replaceChildren(...(figures.length > 0 ? [element('dl', { className: 'figures' }, ...figures)] : []));
  };
}

function lines(place: HTMLElement, panel: PanelView): Fill {
  const chart = createChart(place, panel);
  new ResizeObserver(() => chart.resize()).observe(place);
  return (times, data) => (data ? chart.draw(times, data.series) : chart.clear());
}
