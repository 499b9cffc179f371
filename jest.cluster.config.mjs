// Tests on a real cluster, one after another, in the order of their names: what `make test-cluster FILES=...` runs.
import base from './jest.config.mjs';

export default {
  ...base,
  globalSetup: '<rootDir>/test/cluster/support/global-setup.ts',
  globalTeardown: undefined,
  testMatch: ['<rootDir>/test/cluster/**/*.test.ts'],
  testSequencer: '<rootDir>/test/cluster/support/by-name.cjs',
  testTimeout: 900_000,
  maxWorkers: 1,
};
