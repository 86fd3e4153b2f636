/**
 * Compares a run on our server with one on node:http.
 *
 * A test that passes there must pass here, unless it has an exemption: data that names the rule behind it. An
 * exemption that is not needed is stale.
 */
import { indexTests, type SuiteRun, type TestResult } from './test-result.ts';

/** A test that may fail, with all tests within it. */
export interface Exemption {
  readonly file: string;
  readonly name: string;
  /** The expectation of the test, and why we do not meet it. */
  readonly reason: string;
  /** The source of that. */
  readonly rule: string;
  /** It is not run, because the tests after it in the file would not be reached. */
  readonly skip?: boolean;
}

export interface Comparison {
  /** Names of tests that passed on node:http. */
  readonly passedThere: readonly string[];
  /** Those of them that passed here. */
  readonly passedHere: readonly string[];
  readonly regressions: readonly Regression[];
  readonly exempt: readonly { readonly name: string; readonly exemption: Exemption }[];
  readonly stale: readonly Exemption[];
}

export interface Regression {
  readonly name: string;
  readonly file: string;
  /** Undefined if the test reported nothing. */
  readonly result: TestResult | undefined;
}

/**
 * Compares two runs of the same files.
 *
 * @param there The run on node:http
 * @param here The run on our server
 * @param exemptions Exemptions for the files that were run
 */
export function compareRuns(there: SuiteRun, here: SuiteRun, exemptions: readonly Exemption[]): Comparison {
  const ours = indexTests(here.tests);
  const passed = [...indexTests(there.tests)].filter(([, { outcome }]) => outcome === 'passed');
  const lost = passed.filter(([name]) => ours.get(name)?.outcome !== 'passed');
  const exempt = lost.flatMap(([name, test]) => {
    const exemption = findExemption(test, {
      lost: lost.map((entry) => entry[1]),
      here: ours.get(name),
      exemptions,
    });
    return exemption === undefined ? [] : [{ name, exemption }];
  });
  const exemptNames = new Set(exempt.map(({ name }) => name));
  const used = new Set(exempt.map(({ exemption }) => exemption));
  return {
    passedThere: passed.map(([name]) => name),
    passedHere: passed.map(([name]) => name).filter((name) => ours.get(name)?.outcome === 'passed'),
    regressions: lost
      .filter(([name]) => !exemptNames.has(name))
      .map(([name, { file }]) => ({ name, file, result: ours.get(name) })),
    exempt,
    stale: exemptions.filter((exemption) => !used.has(exemption)),
  };
}

interface Surroundings {
  readonly lost: readonly TestResult[];
  readonly here: TestResult | undefined;
  readonly exemptions: readonly Exemption[];
}

/** Finds the exemption of a test or, if it failed only because tests within it did, one of theirs. */
function findExemption(test: TestResult, { lost, here, exemptions }: Surroundings): Exemption | undefined {
  const own = exemptions.find((exemption) => covers(exemption, test));
  if (own !== undefined || !/^\d+ subtests? failed$/.test(here?.message ?? '')) return own;
  const within = lost.filter(({ file, name }) => file === test.file && name.startsWith(`${test.name} > `));
  const theirs = within.map((inner) => exemptions.find((exemption) => covers(exemption, inner)));
  return theirs.includes(undefined) ? undefined : theirs[0];
}

function covers({ file, name }: Exemption, test: TestResult): boolean {
  return test.file === file && (test.name === name || test.name.startsWith(`${name} > `));
}
