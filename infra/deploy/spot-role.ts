import { ask } from './ask.ts';

/** What Spot needs in an account that never used it; Karpenter has no right to make it. */
export const spotRole = {
  name: 'AWSServiceRoleForEC2Spot',
  command: ['aws', 'iam', 'create-service-linked-role', '--aws-service-name', 'spot.amazonaws.com'],
} as const;

/** @returns whether there was none */
export function makeSpotRole(): boolean {
  if (ask('aws', 'iam', 'get-role', '--role-name', spotRole.name).ok) return false;
  const { ok, complaint } = ask(...spotRole.command);
  // Who may not read roles hears of it only now.
  if (!ok && !complaint.includes('has been taken')) throw new Error(`${spotRole.command.join(' ')}: ${complaint}`);
  return ok;
}
