// Every flow from some pods to some targets, what should become of it, and what does.

import { type Outcome, type Target, tryFrom } from './isolation-pods.ts';
import { kubectl } from './kubectl.ts';
import { waitFor } from './wait.ts';

export interface Flow {
  from: string;
  to: string;
  expected: 'open' | 'refused';
}

/** @param allowed source → targets; every other flow is expected to be refused */
export const flowsOf = (
  sources: readonly string[],
  targets: readonly string[],
  allowed: Readonly<Record<string, readonly string[]>>,
): Flow[] =>
  sources.flatMap((from) =>
    targets.map((to) => ({
      from,
      to,
      expected: allowed[from]?.includes(to) ? ('open' as const) : ('refused' as const),
    })),
  );

export interface Ends {
  sources: Readonly<Record<string, { namespace: string; name: string }>>;
  targets: Readonly<Record<string, Target>>;
}

/** Tries each flow. The outcomes are in the order of the flows. */
export async function tryFlows(flows: readonly Flow[], { sources, targets }: Ends): Promise<Outcome[]> {
  const outcomes = new Map<Flow, Outcome>();
  const names = [...new Set(flows.map(({ from }) => from))];
  await Promise.all(
    names.map(async (from) => {
      const own = flows.filter((flow) => flow.from === from);
      const found = await tryFrom(
        at(sources, from),
        own.map(({ to }) => at(targets, to)),
      );
      own.forEach((flow, index) => {
        outcomes.set(flow, found[index] as Outcome);
      });
    }),
  );
  return flows.map((flow) => outcomes.get(flow) as Outcome);
}

function at<T>(record: Readonly<Record<string, T>>, name: string): T {
  const found = record[name];
  if (found === undefined) throw new Error(`no ${name} among ${Object.keys(record).join(', ')}`);
  return found;
}

/** Policies reach a new pod, and leave it, about a second after its start; but each look starts a process in up to nine pods. */
const settleMs = 120_000;

/** The last outcomes of flows that are tried until all are as expected, or for so long; those who ask judge them. */
export async function settledFlows(flows: readonly Flow[], ends: Ends, withinMs = settleMs): Promise<Outcome[]> {
  let outcomes: Outcome[] = [];
  const asExpected = async () => {
    outcomes = await tryFlows(flows, ends);
    return flows.every(({ expected }, index) => expected === outcomes[index]);
  };
  await waitFor('all flows to be as expected', asExpected, withinMs).catch((error: Error) => {
    if (outcomes.length === 0) throw error;
  });
  return outcomes;
}

/** What becomes of the flows when the namespace has no policies, for which nothing else may be different. */
export async function flowsWithoutPolicies(flows: readonly Flow[], ends: Ends, namespace: string): Promise<Outcome[]> {
  await kubectl(['--namespace', namespace, 'delete', 'networkpolicies', '--all']);
  return settledFlows(
    flows.map((flow) => ({ ...flow, expected: 'open' })),
    ends,
  );
}
