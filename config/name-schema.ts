// Names that an environment may have for what is its own, in Kubernetes and in AWS.
import * as z from 'zod';

/** A name in Kubernetes. */
export const name = (longest: number, shortest = 1) =>
  z
    .string()
    .regex(
      new RegExp(`^(?=.{${shortest},${longest}}$)[a-z]([a-z0-9-]*[a-z0-9])?$`),
      `must be ${shortest} to ${longest} lower-case letters, digits and dashes, and start with a letter`,
    );

/** A name from which those of databases, buckets and load balancers are made. */
export const resourceName = (longest: number, shortest = 1) =>
  name(longest, shortest).refine(
    (text) => !text.includes('--'),
    'must not have two dashes in a row: identifiers of RDS and ElastiCache may not',
  );

/** What names may not start with, and of what. Sources: API references of Elastic Load Balancing, EC2 and S3. */
const reservedStarts = {
  'internal-': 'load balancer',
  'sg-': 'security group',
  'sthree-': 'bucket',
  'amzn-s3-demo-': 'bucket',
} as const;
const reservedStart = (service: string) =>
  Object.entries(reservedStarts).find(([start]) => `${service}-`.startsWith(start));

/** The registry takes no name of one character. */
export const serviceName = resourceName(20, 2).refine((text) => reservedStart(text) === undefined, {
  error: ({ input }) => {
    const [start, of] = reservedStart(String(input)) ?? [];
    return `must not start with ${start}: the name of a ${of} may not`;
  },
});
