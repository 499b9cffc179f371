import type { AwsValues } from '../config/aws-schema.ts';
import type { Environment } from '../config/environment.ts';
import { proxyPort } from '../config/proxy.ts';

/** An environment that has a network and stores in AWS. */
export type AwsEnvironment = Environment & { network: NonNullable<Environment['network']>; aws: AwsValues };

export const isAws = (environment: Environment): environment is AwsEnvironment =>
  environment.network !== undefined && environment.aws !== undefined;

/** @throws Error when the environment runs without AWS */
export function awsEnvironment(environment: Environment): AwsEnvironment {
  if (isAws(environment)) return environment;
  throw new Error(`${environment.name} does not run in AWS: its data stores are in its cluster.`);
}

/** Port of a pod that the load balancer sends to. */
export const podPort = ({ service, proxy }: AwsEnvironment): number => (proxy ? proxyPort : service.httpPort);

export const ports = { postgres: 5432, redis: 6379, https: 443 };

/** Tags by which the bill is divided; they have to be activated once in the billing console. */
export const costTags = ({ service, name }: AwsEnvironment) => ({ service: service.name, environment: name });
