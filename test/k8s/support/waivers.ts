// What keeps to a check nowhere, or not in every environment, and why that is right.
import type { Waiver } from './checklist.ts';

const debianUser = 'the image is made for user 999, in a cluster on a laptop';

/** The page for Redis of a laptop: a tool that one person has a look with, of which one pod is enough. */
const redisUi: readonly Waiver[] = [
  ['gets secrets as files', 'it takes the throwaway password of Redis from a variable only'],
  ['pins its image by tag or digest', 'Skaffold builds it and puts the tag there'],
  ['is asked whether it is ready and whether it lives', 'whoever looks at the page sees that it is stuck'],
  ['has a disruption budget', 'one pod for the time of a look'],
  ['spreads over zones and hosts', 'one pod for the time of a look'],
  ['takes no pod away before its successor is ready', 'one pod for the time of a look'],
].map(([check, reason]) => ({ check, object: 'Deployment/redis-ui', reason }) as Waiver);

export const waivers: readonly Waiver[] = [
  ...redisUi,
  {
    check: 'holds no literal secret',
    object: 'Secret/throwaway-credentials',
    reason: 'credentials of a cluster on a laptop guard nothing',
  },
  { check: 'runs as a user and group above 10000', object: 'StatefulSet/postgres', reason: debianUser },
  { check: 'runs as a user and group above 10000', object: 'StatefulSet/redis', reason: debianUser },
  {
    check: 'gets secrets as files',
    object: 'StatefulSet/s3',
    reason: 'the S3 server of a laptop reads its root keys from variables only',
  },
  {
    check: 'speaks TLS at the edge',
    object: 'Ingress/slipway',
    reason: 'no environment has a domain yet: a certificate needs one (loadBalancer.domain)',
  },
];
