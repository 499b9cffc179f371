// The top of the page: what is wrong with the numbers, and which alerts they raise.
import { element, part } from './elements.ts';
import type { AlertView, Finding } from './shapes.ts';

/** Writes only what changed, so that a screen reader does not read it anew each time. */
function replace(id: string, key: string, make: () => Node[]): void {
  const section = part(id);
  if (section.dataset.key === key) return;
  section.dataset.key = key;
  section.replaceChildren(...make());
}

export function showFindings(findings: readonly Finding[]): void {
  replace('findings', JSON.stringify(findings), () =>
    findings.map(({ what, remedy }) =>
      element(
        'div',
        { className: 'notice critical' },
        element('p', {}, element('strong', {}, what)),
        element('p', {}, remedy),
      ),
    ),
  );
}

/** @param alerts null when they are not known */
export function showAlerts(alerts: readonly AlertView[] | null): void {
  replace('alerts', JSON.stringify(alerts), () => {
    if (alerts === null) return [element('p', { className: 'notice' }, 'Whether an alert fires is not known.')];
    if (alerts.length === 0) return [element('p', { className: 'notice ok' }, 'No alert fires.')];
    return alerts.map(alertNotice);
  });
}

function alertNotice({ name, state, severity, summary, about, since, runbook }: AlertView): Node {
  const kind = ['page', 'critical'].includes(severity) ? 'critical' : 'warning';
  const text = [
    element('strong', {}, `${name} ${state === 'firing' ? 'fires' : 'is about to fire'}`),
    ` (${about === '' ? '' : `${about}, `}${severity}, since ${new Date(since * 1000).toLocaleTimeString()}): ${summary} `,
  ];
  const link =
    runbook === undefined ? [] : [element('a', { href: runbook, target: '_blank', rel: 'noreferrer' }, 'What to do')];
  return element('p', { className: `notice ${state === 'firing' ? kind : ''}` }, ...text, ...link);
}
