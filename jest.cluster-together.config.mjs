// The tests on a cluster that mostly wait, each in a namespace of its own: three at a time, for which two cores have just enough.
import base from './jest.cluster.config.mjs';
import { pattern } from './jest.cluster-apart.config.mjs';

export default {
  ...base,
  testPathIgnorePatterns: [pattern],
  testSequencer: '<rootDir>/test/cluster/support/longest-first.cjs',
  maxWorkers: 3,
};
