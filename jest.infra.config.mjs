// Tests of the infrastructure: `make test-infra`. They need its packages, which nobody else installs.
import base from './jest.config.mjs';

export default {
  ...base,
  testMatch: ['<rootDir>/test/infra/**/*.test.ts'],
  globalSetup: '<rootDir>/test/infra/support/global-setup.ts',
  testTimeout: 120_000,
};
