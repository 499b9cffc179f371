// The tests on a cluster that need it for themselves: they count every failed request of a heavy load, take nodes away, or take what all share.
import base from './jest.cluster.config.mjs';

export const pattern = '/test/cluster/(zero-loss|faults-[124][^/]*|make-cluster|skaffold)\\.test\\.ts$';

const { testMatch: _, ...rest } = base;
export default { ...rest, testRegex: pattern };
