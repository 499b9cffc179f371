// The black-box suite of the service against pods of a cluster, with the cluster's own PostgreSQL, Redis and S3 server.
// What pods behind one address cannot pass is named, with the reason, in test/cluster/support/in-pods.ts.
import base from './jest.config.mjs';

export default {
  ...base,
  globalSetup: '<rootDir>/test/cluster/support/suite-setup.ts',
  // What asks a service and needs no other: of the rest most start servers or stop them, metrics, log-schema and log-questions want the
  // counters and the log of one replica, and one-request brings a balancer of its own.
  testMatch: ['<rootDir>/test/service/{session,health,files,keys,http,hostile,upload,load,secrets}.test.ts'],
  setupFilesAfterEnv: ['<rootDir>/test/cluster/support/in-pods.ts'],
  testTimeout: 90_000,
  maxWorkers: 1,
};
