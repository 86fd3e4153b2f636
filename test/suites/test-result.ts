/** The results of one test, and of one run of a suite. */

export interface TestResult {
  readonly file: string;
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** The error of a failed test. */
  readonly message?: string;
}

/** One run of a suite. */
export interface SuiteRun {
  readonly tests: readonly TestResult[];
  /** How many servers the suite made, and how many of them were ours. */
  readonly servers: number;
  readonly ours: number;
  /** Files that were stopped at the time limit; their results so far count. */
  readonly cutOff: readonly string[];
}

/** Indexes tests by unique names: a second test of the same name gets a number. */
export function indexTests(tests: readonly TestResult[]): Map<string, TestResult> {
  const index = new Map<string, TestResult>();
  for (const test of tests) {
    const key = `${test.file}: ${test.name}`;
    let unique = key;
    for (let count = 2; index.has(unique); count += 1) unique = `${key} (${count})`;
    index.set(unique, test);
  }
  return index;
}

/** Counts the tests with the outcome. */
export function countTests(tests: readonly TestResult[], outcome: TestResult['outcome']): number {
  return tests.filter((test) => test.outcome === outcome).length;
}
