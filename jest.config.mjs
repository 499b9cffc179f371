// Jest's default for an ES module project would be ESM; tests are transformed to CommonJS, which jest runs without flags.
const swc = [
  '@swc/jest',
  { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, module: { type: 'commonjs', importInterop: 'node' } },
];

export default {
  testMatch: ['<rootDir>/test/{unit,service,local,repository,config,k8s,deploy,observability}/**/*.test.ts'],
  transform: { '^.+\\.[jt]s$': swc, '^.+\\.mjs$': swc },
  transformIgnorePatterns: ['/node_modules/'],
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  reporters: ['default', '<rootDir>/test/support/count-reporter.mjs'],
  testTimeout: 60_000,
  // They wait for servers more than they compute: three keep two cores busy.
  maxWorkers: 3,
};
