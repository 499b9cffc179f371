// The tests on a cluster that mostly wait, each in a namespace of its own: four at a time, which keeps two cores busy.
import base from './jest.cluster.config.mjs';
import { pattern } from './jest.cluster-apart.config.mjs';

export default {
  ...base,
  testPathIgnorePatterns: [pattern],
  testSequencer: '<rootDir>/test/cluster/support/longest-first.cjs',
  maxWorkers: 4,
};
