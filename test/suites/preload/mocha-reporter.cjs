/**
 * Mocha reporter that writes a line of JSON for each test at once, so that a run that breaks off leaves its results.
 *
 * Mocha gives a reporter the whole tree before it runs, so tests to skip are marked here.
 */
const { appendFileSync } = require('node:fs');
const { relative } = require('node:path');

module.exports = class Reporter {
  constructor(runner) {
    const skipped = new Set(JSON.parse(process.env.SUITE_SKIP || '[]'));
    const markSkipped = (suite) => {
      for (const test of suite.tests) if (skipped.has(test.fullTitle())) test.pending = true;
      for (const child of suite.suites) markSkipped(child);
    };
    markSkipped(runner.suite);
    runner.on('pass', (test) => report(test, 'passed'));
    runner.on('pending', (test) => report(test, 'skipped'));
    runner.on('fail', (test, error) => report(test, 'failed', error));
  }
};

function report(test, outcome, error) {
  const file = relative(process.cwd(), test.file ?? test.parent?.file ?? '');
  const message = error && String(error.stack ?? error.message ?? error).slice(0, 1000);
  const line = { file, name: test.fullTitle(), outcome, message };
  appendFileSync(process.env.SUITE_RESULTS, `${JSON.stringify(line)}\n`);
}
