// What an environment in AWS may say beyond the schema that all environments share: sizes and switches of the infrastructure.
import * as z from 'zod';
import { bitsOf } from './cidr.ts';
import { cacheNodeTypes } from './instance-types.ts';
import { name } from './name-schema.ts';
import { cidr, whole } from './schema-parts.ts';

const clusterSchema = z.strictObject({
  endpoint: z
    .enum(['public', 'private'])
    .default('public')
    .describe('How allowedCidrs reach the API server: over the internet, or inside the VPC (by VPN or peering).'),
  allowedCidrs: z
    .array(
      cidr
        .refine((range) => !range.endsWith('/0'), { error: 'must not be the whole internet', abort: true })
        .refine(
          (range) => bitsOf(range) >= 8,
          'must be /8 or smaller: with two or three of these it would be the whole internet',
        ),
    )
    .min(1)
    .max(40, 'must be 40 ranges at most, which EKS takes')
    .describe('Ranges that reach the API server; public ones for a public endpoint, private ones for a private one.'),
  adminRoleArns: z
    .array(z.string().regex(/^arn:aws:iam::\d{12}:(role|user)\/[\w+=,.@/-]+$/, 'must be the ARN of a role or user'))
    .min(1)
    .describe('Roles and users that administer the cluster; whoever runs a deployment is one of them.'),
  nodeDiskGiB: whole('GiB', 20, 1024).default(50).describe('Disk of a node.'),
  fargateNamespaces: z
    .array(name(63))
    .max(5, 'must be 5 namespaces at most, which a Fargate profile takes')
    .default([])
    .describe('Namespaces that are made here and whose pods run on Fargate; none, no profile.'),
});

const databaseSchema = z.strictObject({
  version: z
    .string()
    .regex(/^15\.\d+$/, 'must be a version of PostgreSQL 15 such as 15.17')
    .default('15.17')
    .describe('Engine version; RDS goes on to newer minor versions itself.'),
  instanceType: z.string().describe('Class without db., such as m7g.large.'),
  storageGiB: whole('GiB', 20, 65_536).default(50).describe('Storage at first.'),
  storageAtMostGiB: whole('GiB', 20, 65_536).default(500).describe('What storage grows to by itself.'),
  multiAz: z.boolean().describe('Whether a standby in the other zone takes over.'),
  backupDays: whole('days', 1, 35).default(7).describe('How far back it can be restored to any second.'),
});

const cacheSchema = z.strictObject({
  version: z.enum(['7.1', '7.0']).default('7.1').describe('Engine version of Redis.'),
  nodeType: z
    .string()
    .refine((type) => cacheNodeTypes.includes(type), {
      error: ({ input }) => `${input} is unknown; known are ${cacheNodeTypes.join(', ')} (config/instance-types.ts)`,
    })
    .describe('Size of each node.'),
  replicas: whole('replicas', 1, 5).default(1).describe('Copies of the primary, in the other zone first.'),
  snapshotDays: whole('days', 0, 35).default(7).describe('How long daily snapshots are kept.'),
});

/** Sizes and switches of an environment in AWS. */
export const awsSchema = z.strictObject({
  zones: z
    .array(z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/, 'must be an availability zone such as us-east-1a'))
    .length(2)
    .describe('Availability zones, in the order of the subnets.'),
  natGateways: whole('gateways', 1, 2).default(2).describe('One per zone, or one in all to save cost.'),
  protectData: z
    .boolean()
    .describe('Whether stores refuse deletion and outlive their stack; without it they leave with it.'),
  logDays: whole('days', 1, 731).default(30).describe('How long logs stay in CloudWatch.'),
  logBucketDays: whole('days', 7, 3650).default(365).describe('How long access logs stay in S3.'),
  alertEmails: z.array(z.email('must be an e-mail address')).default([]).describe('Who hears of alarms.'),
  cluster: clusterSchema,
  database: databaseSchema,
  cache: cacheSchema,
  files: z
    .strictObject({
      coldAfterDays: whole('days', 30, 3650).default(90).describe('Files move to Glacier Instant Retrieval then.'),
      oldVersionDays: whole('days', 1, 3650).default(365).describe('Overwritten and deleted files are kept so long.'),
    })
    .prefault({}),
  rotationDays: whole('days', 1, 365).default(30).describe('Between two rotations of a password.'),
  requestsPerFiveMinutes: whole('requests', 10, 2_000_000_000)
    .default(10_000)
    .describe('Most requests of one address in five minutes; the web ACL refuses more.'),
  zone: z
    .strictObject({
      name: z.string().regex(/^([a-z0-9-]+\.)+[a-z]{2,}$/, 'must be a domain such as example.org'),
      id: z
        .string()
        .regex(/^Z[A-Z0-9]{5,31}$/, 'must be the id of a hosted zone such as Z0123456789ABCDEFGHIJ')
        .optional()
        .describe('Of a hosted zone that exists; without it one is made, and has to be delegated.'),
    })
    .optional()
    .describe('Hosted zone of loadBalancer.domain.'),
});

export type AwsValues = z.output<typeof awsSchema>;
