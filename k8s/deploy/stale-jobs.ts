// Jobs whose time is over: a Job that failed is never run again, one that cannot start keeps trying, and one of an earlier
// release stays until somebody removes it.
import type { Manifest } from '../synth.ts';
import { say } from './command.ts';
import type { Cluster } from './context.ts';
import { liveParts, type Where } from './live.ts';

interface LiveJob {
  metadata: { name: string };
  status: { succeeded?: number; ready?: number; conditions?: { type: string; status: string }[] };
}

/** The Jobs to remove: those that failed, and those of other content that run nothing. */
export function staleJobs(live: readonly LiveJob[], wanted: ReadonlySet<string>): string[] {
  return live
    .filter(({ metadata, status }) => {
      const ended = (type: string) => status.conditions?.some((each) => each.type === type && each.status === 'True');
      return ended('Failed') || (!wanted.has(metadata.name) && (status.ready ?? 0) === 0);
    })
    .map(({ metadata }) => metadata.name);
}

/** Removes them, so that what is applied next runs. */
export async function removeStaleJobs(
  manifests: readonly Manifest[],
  where: Where,
  cluster: Cluster,
  stop: AbortSignal,
): Promise<void> {
  const wanted = new Set(manifests.filter(({ kind }) => kind === 'Job').map(({ metadata }) => metadata.name));
  const names = staleJobs(await liveParts<LiveJob>(cluster, 'jobs', where, stop), wanted);
  if (names.length === 0) return;
  say(`Removing Jobs that failed or are of an earlier version: ${names.join(', ')}`);
  await cluster.kubectl(['delete', 'jobs', '--namespace', where.namespace, '--ignore-not-found', ...names], { stop });
}
