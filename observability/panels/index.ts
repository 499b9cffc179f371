// All dashboards, in the order in which they are shown.
import type { Dashboard } from '../model.ts';
import { objectivesRow } from './objectives.ts';
import { routesRow } from './routes.ts';
import { runtimeRow } from './runtime.ts';
import { scalingRow } from './scaling.ts';
import { objectsRow, postgresRow, redisRow } from './stores.ts';
import { trafficRow } from './traffic.ts';

export const dashboards: readonly Dashboard[] = [
  {
    id: 'overview',
    title: 'Overview',
    rows: [trafficRow, objectivesRow, routesRow, redisRow, postgresRow, objectsRow, runtimeRow, scalingRow],
  },
];
