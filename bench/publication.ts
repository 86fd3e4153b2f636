/** Writes the figures: a page for each version of Node, and a table in README.md for the one that counts. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COUNTED, formatResults, formatSummary, type Results } from './report.ts';

const RESULTS = join(import.meta.dirname, 'results');
const README = join(import.meta.dirname, '../README.md');
const BETWEEN_MARKERS = /(<!-- bench:begin -->\n).*?(?=<!-- bench:end -->)/s;

/** Writes both. */
export function publish(results: Results): void {
  const major = Number(/\d+/.exec(results.version)?.[0]);
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(join(RESULTS, `node-${major}.md`), formatResults(results));
  if (major !== COUNTED) return;
  const readme = readFileSync(README, 'utf8');
  writeFileSync(README, replaceSummary(readme, formatSummary(results)));
}

/** Puts a table between the markers. */
export function replaceSummary(page: string, summary: string): string {
  if (!BETWEEN_MARKERS.test(page)) throw new Error('README.md has no markers <!-- bench:begin -->');
  return page.replace(BETWEEN_MARKERS, (_all, begin: string) => `${begin}\n${summary}\n`);
}
