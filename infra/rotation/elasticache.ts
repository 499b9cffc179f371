import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeUsersCommand, type ElastiCacheClient, ModifyUserCommand } from '@aws-sdk/client-elasticache';
import type { TwoPasswordsOptions } from './two-passwords.ts';

const pollMs = 2000;
/** A change of a user takes a minute at most. Of the function's five, one is left to say what it waited for in vain. */
const patienceMs = 240_000;

/** Sets the passwords of a user of ElastiCache and waits until it takes them. */
export function elastiCachePasswords(client: ElastiCacheClient, userId: string): TwoPasswordsOptions['setPasswords'] {
  return async (_username, passwords) => {
    const end = Date.now() + patienceMs;
    await active(client, userId, end);
    await client.send(
      new ModifyUserCommand({
        UserId: userId,
        AuthenticationMode: { Type: 'password', Passwords: [...new Set(passwords)] },
      }),
    );
    await active(client, userId, end);
  };
}

/** @param end when it gives up, as Date.now() has it */
async function active(client: ElastiCacheClient, userId: string, end: number): Promise<void> {
  for (;;) {
    const { Users } = await client.send(new DescribeUsersCommand({ UserId: userId }));
    const status = Users?.[0]?.Status;
    if (status === 'active') return;
    if (Date.now() > end) throw new Error(`The user ${userId} is still ${status} after ${patienceMs / 1000} s.`);
    await sleep(pollMs);
  }
}
