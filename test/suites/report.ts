/** Formats the result of a comparison. */
import type { Comparison, Exemption } from './comparison.ts';
import { countTests, type SuiteRun } from './test-result.ts';

/** Formats the table of figures. */
export function formatFigures(runs: readonly (readonly [name: string, run: SuiteRun])[]): string {
  const rows = runs.map(([name, { tests, servers, ours, cutOff }]) => {
    const outcomes = (['passed', 'failed', 'skipped'] as const).map((outcome) => countTests(tests, outcome));
    return [name, ...outcomes, servers, ours, cutOff.length].map(String);
  });
  const head = ['server', 'passed', 'failed', 'skipped', 'servers made', 'of them ours', 'files cut off'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Formats the tests that pass there and not here. */
export function formatComparison(comparison: Comparison, unstable: readonly string[]): string {
  const { passedThere, passedHere, regressions, exempt, stale } = comparison;
  return [
    `${passedHere.length} of the ${passedThere.length} tests that pass on node:http pass here`,
    ...section(
      'Exempt',
      exempt.map(({ name, exemption }) => `${name}\n    ${exemption.rule}`),
    ),
    ...section('Passed only when run again', unstable),
    ...section('Stale exemptions', stale.map(formatExemption)),
    ...section(
      'Regressions',
      regressions.map(
        ({ name, result }) =>
          `${name}\n    ${firstLine(result?.message) ?? result?.outcome ?? 'nothing was heard of it'}`,
      ),
    ),
  ].join('\n');
}

function formatExemption({ file, name }: Exemption): string {
  return `${file}: ${name}`;
}

function section(title: string, items: readonly string[]): string[] {
  return [`${title}: ${items.length}`, ...items.map((item) => `  ${item}`)];
}

function firstLine(text: string | undefined): string | undefined {
  return text?.split('\n', 1)[0];
}
