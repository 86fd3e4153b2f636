/** Judges the result of a soak, and formats it. */
import { OPERATIONS } from './good-clients.ts';
import type { SoakResult } from './soak.ts';

/** Greatest ratio of the p99 under attack to the quiet p99. */
const LATENCY_FACTOR = 3;
const MEBIBYTE = 1_048_576;
/** Allowed growth of the heap, in octets: caches, compiled code. */
const HEAP_TOLERANCE = 4 * MEBIBYTE;
/** Allowed growth of resident memory, in octets: free pages that the allocator keeps. */
const RSS_TOLERANCE = 64 * MEBIBYTE;

/** Lists violations: errors of good clients, and resources that the server still holds. */
export function judgeHoldings({ errors, before, after }: SoakResult): string[] {
  const violations = errors.slice(0, 10).map((error) => `A good client saw an error: ${error}`);
  const mustNot = (isWrong: boolean, sentence: string): void => {
    if (isWrong) violations.push(sentence);
  };
  mustNot(
    after.descriptors > before.descriptors,
    `${after.descriptors} descriptors, ${before.descriptors} before`,
  );
  mustNot(after.sockets > before.sockets, `${after.sockets} sockets, ${before.sockets} before`);
  mustNot(after.unfinished > 0, `${after.unfinished} calls, iterations or bodies were not ended`);
  mustNot(after.doubleCloses > 0, `${after.doubleCloses} bodies were closed twice`);
  mustNot(after.log.length > 0, `The server has logged: ${after.log.join('')}`);
  return violations;
}

/** Lists violations in latency and memory, which need a longer soak to show. */
export function judgeCosts({ quiet, attacked, before, after }: SoakResult): string[] {
  const violations: string[] = [];
  for (const operation of OPERATIONS) {
    const factor = attacked[operation].p99 / quiet[operation].p99;
    if (!(factor <= LATENCY_FACTOR)) {
      violations.push(`p99 of ${operation} is ${factor.toFixed(1)} times the quiet one under attack`);
    }
  }
  if (after.heapUsed > before.heapUsed + HEAP_TOLERANCE) violations.push('The heap has grown');
  if (after.rss > before.rss + RSS_TOLERANCE) violations.push('Resident memory has grown');
  return violations;
}

/** Formats everything that was measured. */
export function formatResult(result: SoakResult): string {
  const { quiet, attacked, before, after, peakRss, attacks } = result;
  const lines = [
    '| good clients | operations | p50 ms | p99 ms | worst p99 |',
    '| --- | --- | --- | --- | --- |',
  ];
  for (const operation of OPERATIONS) {
    for (const [phase, { count, p50, p99, worst }] of [
      ['quiet', quiet[operation]],
      ['attacked', attacked[operation]],
    ] as const) {
      const figures = [p50, p99, worst].map((milliseconds) => milliseconds.toFixed(2));
      lines.push(`| ${operation}, ${phase} | ${count} | ${figures.join(' | ')} |`);
    }
  }
  const mebibytes = (octets: number): string => `${(octets / MEBIBYTE).toFixed(1)} MiB`;
  lines.push(
    '',
    '| the server holds | before | at most | after |',
    '| --- | --- | --- | --- |',
    `| resident memory | ${mebibytes(before.rss)} | ${mebibytes(peakRss)} | ${mebibytes(after.rss)} |`,
    `| heap after collection | ${mebibytes(before.heapUsed)} | | ${mebibytes(after.heapUsed)} |`,
    `| descriptors | ${before.descriptors} | | ${after.descriptors} |`,
    `| sockets | ${before.sockets} | | ${after.sockets} |`,
    `| calls, iterations, bodies | ${before.unfinished} | | ${after.unfinished} |`,
    '',
    `Errors of good clients: ${result.errors.length}; lines on wsgi.errors: ${after.log.length}`,
    `CPU of the server: ${percent(result.quietLoad)} of a core quiet, ${percent(result.attackedLoad)} under attack`,
    `Hostile connections: ${Object.entries(attacks)
      .map(([kind, lives]) => `${lives} ${kind}`)
      .join(', ')}`,
  );
  return lines.join('\n');
}

function percent(part: number): string {
  return `${(part * 100).toFixed(0)} %`;
}
