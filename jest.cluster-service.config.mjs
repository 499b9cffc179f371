// The black-box suite of the service against pods of a cluster, with the cluster's own PostgreSQL, Redis and S3 server.
// What pods behind one address cannot pass is named, with the reason, in test/cluster/support/in-pods.ts.
import base from './jest.config.mjs';

export default {
  ...base,
  globalSetup: '<rootDir>/test/cluster/support/suite-setup.ts',
  // The files of jest.image.config.mjs. Of the others that only ask a service, upload reads its folder of objects, load its CPU time and
  // hostile its heap on the tester's own machine, and metrics wants the counters of one replica, where these have two pods behind an
  // address; http and secrets have not been tried in pods. The rest start servers or stop them.
  testMatch: ['<rootDir>/test/service/{session,health,files,keys}.test.ts'],
  setupFilesAfterEnv: ['<rootDir>/test/cluster/support/in-pods.ts'],
  testTimeout: 90_000,
  maxWorkers: 1,
};
