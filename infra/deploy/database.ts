// Parameters of PostgreSQL that a deployment has changed, and that are in force only after a restart.
import { databaseServerName } from '../../config/aws-names.ts';
import type { AwsEnvironment } from '../environment.ts';
import { insist } from './ask.ts';

/**
 * `max_connections` is such a one: pods with a greater pool would be refused while the servers run with the number of before.
 *
 * @returns the servers that wait for a restart, with the commands; undefined when there are none
 */
export function restartFault(environment: AwsEnvironment): string | undefined {
  const server = databaseServerName(environment);
  const waiting = insist(
    ...(['aws', 'rds', 'describe-db-instances', '--region', environment.region, '--output', 'text'] as const),
    '--query',
    `DBInstances[?DBParameterGroups[?ParameterApplyStatus=='pending-reboot']].DBInstanceIdentifier`,
  )
    .split(/\s+/)
    .filter((name) => name === server || name === `${server}-reader`);
  if (waiting.length === 0) return undefined;
  const restart = (name: string) =>
    `aws rds reboot-db-instance --db-instance-identifier ${name} --region ${environment.region}`;
  // A replica may not have fewer connections than its writer. Source: PostgreSQL, "Hot Standby", parameters.
  const order = waiting.length > 1 ? ' (the reader first when max_connections has grown, last when it has shrunk)' : '';
  return `${waiting.join(' and ')} must restart before changed parameters are in force${order}:\n${waiting.map((name) => `  ${restart(name)}`).join('\n')}`;
}
