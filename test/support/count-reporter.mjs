// Ends a run with a plain count, and keeps which tests ran for the check of docs/features.md.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export default class CountReporter {
  #root;

  constructor(config) {
    this.#root = config.rootDir;
  }

  /** A run of some files replaces only what is known of those. */
  #keep(results) {
    const ran = results.testResults.flatMap(({ testFilePath, testResults }) =>
      testResults.map(({ fullName, status }) => ({ file: relative(this.#root, testFilePath), name: fullName, status })),
    );
    const files = new Set(results.testResults.map(({ testFilePath }) => relative(this.#root, testFilePath)));
    const folder = join(this.#root, '.cache', 'test-results');
    const path = join(folder, `${process.env.TEST_RUN ?? 'test'}.json`);
    const before = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : [];
    const others = before.filter(({ file }) => !files.has(file) && existsSync(join(this.#root, file)));
    mkdirSync(folder, { recursive: true });
    writeFileSync(path, JSON.stringify([...others, ...ran]));
  }

  onRunComplete(_, results) {
    this.#keep(results);
    const { numPassedTests: passed, numFailedTests, numRuntimeErrorTestSuites, numPendingTests: skipped } = results;
    const failed = numFailedTests + numRuntimeErrorTestSuites;
    // Jest prints a summary of its own after the reporters: the count is the last line.
    process.once('exit', () => {
      process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
    });
  }
}
