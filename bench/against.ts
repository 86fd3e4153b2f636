/** Compares our servers with themselves in another checkout: `npm run bench -- --against <checkout>`. */
import { ofOther } from './checkouts.ts';
import { figure, table } from './markdown.ts';
import type { Comparison } from './measurement.ts';
import type { Conditions } from './report.ts';
import { unitTitle, type Work } from './work.ts';

/** A row with a greater ratio is marked. */
export const TOLERATED_RATIO = 1.05;

/** The measurements of two checkouts on one version of Node. */
export interface Contest extends Conditions {
  /** This checkout and the other, as the report calls them. */
  readonly names: readonly [ours: string, other: string];
  readonly comparisons: readonly Comparison[];
  /** A reason to doubt the figures. */
  readonly doubt: string | undefined;
}

/** The same work for our server alone: first that of the other checkout, then that of this one. */
export function betweenCheckouts(work: Work): Work {
  const [, ours = ''] = work.servers;
  return { ...work, servers: [ofOther(ours), ours], bars: [] };
}

/** Formats the table, for people: nothing fails if a row is marked. */
export function formatContest(contest: Contest): string {
  const { version, machine, load, rounds, seconds, names, comparisons, doubt } = contest;
  const [ours, other] = names;
  const rows = comparisons.map(contestRow);
  const marked = rows.filter((row) => row.at(-1) !== '').length;
  return [
    `# ${ours} against ${other}, Node ${version.replace(/^v/, '')}`,
    `${machine}; ${load}; medians of ${rounds} rounds of ${seconds} s, with the least and the most in parentheses. ` +
      `The ratio is CPU time of ${ours} divided by that of ${other}. How a row is read: docs/benchmarks.md.`,
    ...(doubt === undefined ? [] : [`> ${doubt}.`]),
    table(['name', 'work', `${other}, µs`, `${ours}, µs`, 'ratio', 'others', ''], rows),
    `${marked} of ${rows.length} rows above ${TOLERATED_RATIO}.`,
  ]
    .join('\n\n')
    .concat('\n');
}

function contestRow({ work, costs, ratio, others }: Comparison): string[] {
  const [other = '', ours = ''] = work.servers;
  const cost = (name: string): string => {
    const found = costs.get(name);
    return found === undefined ? '' : figure(found, 2);
  };
  const found = ratio(ours, other);
  const mark = found.median > TOLERATED_RATIO ? `**above ${TOLERATED_RATIO}**` : '';
  const share = `${(others * 100).toFixed(0)} %`;
  return [work.name, unitTitle(work), cost(other), cost(ours), figure(found, 3), share, mark];
}
