/** What a test of a suite came to, and what a run of a suite came to. */

export interface TestResult {
  readonly file: string;
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** Of one that failed. */
  readonly message?: string;
}

/** One run of a suite. */
export interface SuiteRun {
  readonly tests: readonly TestResult[];
  /** How many servers the suite made, and how many of them were ours. */
  readonly servers: number;
  readonly ours: number;
  /** Files that were ended at the time limit; what they had told until then counts. */
  readonly cutOff: readonly string[];
}

/** Gives the tests by names that are unique: a second test of the same name is told apart by a number. */
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

/** Counts the tests that came to the outcome. */
export function countTests(tests: readonly TestResult[], outcome: TestResult['outcome']): number {
  return tests.filter((test) => test.outcome === outcome).length;
}
