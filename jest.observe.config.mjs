// Tests of what can be seen of the service, on real servers of this machine: `make test-observe`.
import base from './jest.config.mjs';

export default {
  ...base,
  testMatch: ['<rootDir>/test/observe/**/*.test.ts'],
  testTimeout: 120_000,
};
