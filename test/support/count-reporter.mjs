// Ends a run with a plain count, and keeps which tests ran for the check of docs/features.md.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export default class CountReporter {
  #root;

  constructor(config) {
    this.#root = config.rootDir;
  }

  onRunComplete(_, results) {
    const {
      numPassedTests: passed,
      numFailedTests: failed,
      numPendingTests: skipped,
      numRuntimeErrorTestSuites: broken,
    } = results;
    const tests = results.testResults.flatMap(({ testFilePath, testResults }) =>
      testResults.map(({ fullName, status }) => ({ file: relative(this.#root, testFilePath), name: fullName, status })),
    );
    const folder = join(this.#root, '.cache', 'test-results');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${process.env.TEST_RUN ?? 'test'}.json`), JSON.stringify(tests));
    process.stdout.write(`\n${passed} passed, ${failed + broken} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  }
}
