import type { Cluster } from './context.ts';

/** A namespace, and the service whose parts are in it. */
export interface Where {
  namespace: string;
  service: { name: string };
}

/** The objects of these kinds, separated by commas, that are parts of the service, as they are on the cluster. */
export async function liveParts<T>(
  cluster: Cluster,
  kinds: string,
  { namespace, service }: Where,
  stop: AbortSignal,
): Promise<T[]> {
  const selector = `--selector=app.kubernetes.io/part-of=${service.name}`;
  const text = await cluster.kubectl(['get', kinds, '--namespace', namespace, selector, '--output=json'], { stop });
  return (JSON.parse(text) as { items: T[] }).items;
}
