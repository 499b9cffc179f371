// The image under test: what it is made of, and the black-box suite against it as a container.
import base from './jest.config.mjs';

export default {
  ...base,
  globalSetup: '<rootDir>/test/support/image-setup.ts',
  testMatch: ['<rootDir>/test/image/**/*.test.ts', '<rootDir>/test/service/{session,health,files,keys}.test.ts'],
  testTimeout: 120_000,
};
