// All alarms of an environment.
import { runbookOf } from '../../rules/alerts.ts';
import type { Facts } from '../facts.ts';
import type { Alarm } from '../model.ts';
import { edgeAlarms } from './edge.ts';
import { serviceAlarms } from './service.ts';
import { storeAlarms } from './stores.ts';

export const alarms = (facts: Facts): Alarm[] => [...serviceAlarms(facts), ...storeAlarms(facts), ...edgeAlarms(facts)];

/** Name in CloudWatch. */
export const alarmName = ({ prefix }: Facts, { name }: Pick<Alarm, 'name'>): string => `${prefix}-${name}`;

/** What the mail says: what is wrong, how urgent it is, where to go on, why the threshold is what it is. */
export const describe = (alarm: Alarm): string =>
  `${alarm.summary} [${alarm.severity}] Runbook: ${runbookOf(alarm)}. Threshold: ${alarm.because}`;
