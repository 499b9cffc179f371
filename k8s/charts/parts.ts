// The parts of the system by name, for labels and selectors, and how the charts are handed what they need.

import type { Environment } from '../../config/environment.ts';
import type { Images } from '../../config/images.ts';
import type { Identity } from '../constructs/labels.ts';

export interface ChartInput {
  environment: Environment;
  images: Images;
}

/** @param version of the image, for those that run it */
export function parts({ service: { name: partOf } }: Environment, version?: string) {
  const own = (component: string): Identity => ({ name: partOf, component, partOf, version });
  return {
    web: own('web'),
    bootstrap: own('bootstrap'),
    migrate: own('migrate'),
    namespace: { name: partOf, component: 'namespace', partOf },
    postgres: { name: 'postgres', component: 'database', partOf },
    redis: { name: 'redis', component: 'cache', partOf },
    s3: { name: 's3', component: 'objects', partOf },
  } satisfies Record<string, Identity>;
}

/** Version of the service's image in this environment. */
export const versionOf = ({ environment, images }: ChartInput) => images.service[environment.name]?.tag;

/** Ports of the data stores. */
export const storePorts = { postgres: 5432, redis: 6379, s3: 7070 };
