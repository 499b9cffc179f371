// The ways into the database that docs/operations.md has.
import { readFileSync } from 'node:fs';
import { waitFor } from '../../support/wait.ts';
import type { Paste } from './paste.ts';
import type { ClusterWorld } from './world.ts';

export const inPostgres =
  'kubectl --namespace slipway exec --stdin --tty statefulset/postgres -- psql --username=postgres slipway';

/**
 * Makes the pod of psql, as on the page but for what the stores of this cluster have not: a secret from Secrets Manager, and TLS.
 *
 * @param command that of the page. @returns what it says
 */
export async function createPsql(world: ClusterWorld, paste: Paste, command: string): Promise<string> {
  const file = 'docs/operations/psql.yaml';
  const manifest = readFileSync(file, 'utf8')
    .replace('namespace: slipway', `namespace: ${world.namespace}`)
    .replace('value: require', 'value: disable');
  const key = '{.data.database-master-url}';
  const url = await world.kubectl('get', 'secret', 'throwaway-credentials', `--output=jsonpath=${key}`);
  const literal = `--from-literal=DATABASE_MASTER_URL=${Buffer.from(url, 'base64').toString()}`;
  await world.kubectl('create', 'secret', 'generic', 'slipway-bootstrap', literal);
  return paste(command.replace(file, '-'), manifest);
}

/**
 * Somebody holds a lock, somebody else waits for it: whom the query of the runbook names is ended as it says, and the other one goes on.
 *
 * @param ask puts a statement to the database. @returns what the end of the blocking statement was told, and what the other one found
 */
export async function endWhatBlocks(
  paste: Paste,
  ask: (statement: string) => Promise<string>,
  { activity, terminate }: { activity: string; terminate: string },
): Promise<{ said: string; blocked: string; waited: string }> {
  const blocking = paste(inPostgres, 'BEGIN; LOCK TABLE files; SELECT pg_sleep(600);').catch(({ stderr }) => stderr);
  let waiting: Promise<string> | undefined;
  let blocker: string | undefined;
  await waitFor(
    'somebody who waits',
    async () => {
      const shown = await ask(activity);
      if (shown.includes('pg_sleep')) waiting ??= paste(inPostgres, "SELECT 'files: ' || count(*) FROM files;");
      blocker = /^ *\d+ \| \{(\d+)\} .*files: /m.exec(shown)?.[1];
      return blocker !== undefined;
    },
    30_000,
    500,
  );
  const said = await ask(terminate.replace('PID', blocker as string));
  return { said, blocked: await blocking, waited: (await waiting) as string };
}
