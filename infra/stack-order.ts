// The stacks of an environment, written down once: who deploys, takes down, draws or tests them asks here.

/** What the service stands on, in the order of deployment. The registry, which all environments share, comes before them. */
export const stackOrder = ['network', 'operations', 'data', 'edge', 'cluster'] as const;

/** Made when the service answers, and deleted before anything else: neither a deployment nor its end wakes anybody. */
export const watching = 'observability';

export type StackName = (typeof stackOrder)[number] | typeof watching;

/** All of them, in the order in which they are made. */
export const allStacks: readonly StackName[] = [...stackOrder, watching];

/** Outlive the environment where data is protected: they hold it, or names and logs that a second stack of that name would run into. */
export const keptStacks: readonly (typeof stackOrder)[number][] = ['network', 'operations', 'data', 'edge'];
