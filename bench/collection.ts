/**
 * Collects the figures of several runs in a file. A run of all work takes hours; in parts it fits into the quiet minutes of a
 * machine.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { warmUpsOf } from './load.ts';
import { type Comparison, compareRounds } from './measurement.ts';
import { REQUESTS } from './memory.ts';
import type { Conditions, Results } from './report.ts';
import { WORK } from './work-table.ts';

/**
 * Adds figures to those in a file. Figures of the same work replace those before.
 *
 * @param file It is made if it is missing
 * @returns all figures in the file, in the order of the table of work
 * @throws Error if the file has figures of another machine, another Node or another way to measure
 */
export function collect(file: string, results: Results): Results {
  const before = existsSync(file) ? parse(readFileSync(file, 'utf8')) : undefined;
  const all = before === undefined ? results : merge(before, results);
  writeFileSync(file, format(all));
  return all;
}

/** Tells if nothing is missing that a whole run measures. */
export function isComplete({ comparisons, latency, memories, startUp, imports }: Results): boolean {
  const isMeasured = WORK.every(
    (work) =>
      work.isOnRequest === true ||
      warmUpsOf(work).every((until) => comparisons.some((one) => one.work === work && one.until === until)),
  );
  const hasOthers = latency !== undefined && startUp !== undefined && imports !== undefined;
  return isMeasured && hasOthers && memories.length === Object.keys(REQUESTS).length;
}

function merge(before: Results, results: Results): Results {
  const expected = conditionsOf(before);
  const found = conditionsOf(results);
  if (expected !== found) throw new Error(`The file has figures of ${expected}, and these are of ${found}`);
  const isNew = (one: Comparison): boolean =>
    results.comparisons.some(({ work, until }) => work === one.work && until === one.until);
  const comparisons = [...before.comparisons.filter((one) => !isNew(one)), ...results.comparisons];
  const place = ({ work }: Comparison): number => WORK.indexOf(work);
  return {
    ...before,
    // The peers of some work may be fewer.
    load: before.load.length > results.load.length ? before.load : results.load,
    comparisons: comparisons.toSorted((a, b) => place(a) - place(b)),
    latency: results.latency ?? before.latency,
    memories: results.memories.length > 0 ? results.memories : before.memories,
    startUp: results.startUp ?? before.startUp,
    imports: results.imports ?? before.imports,
    doubt: results.doubt ?? before.doubt,
  };
}

function conditionsOf({ version, machine, load, rounds, seconds }: Conditions): string {
  const [generator] = load.split('; ');
  return `${version}, ${machine}, ${generator}, ${rounds} rounds of ${seconds} s`;
}

function format({ comparisons, ...rest }: Results): string {
  const parts = comparisons.map(({ work, until, rounds }) => ({ work: work.name, until, rounds }));
  return `${JSON.stringify({ ...rest, comparisons: parts }, plain)}\n`;
}

/** A figure that is missing may be NaN, which JSON does not have. */
function plain(_key: string, value: unknown): unknown {
  if (value instanceof Map) return { entries: [...value] };
  return Number.isNaN(value) ? undefined : value;
}

function parse(text: string): Results {
  // As `format` has made it.
  const { comparisons, ...rest } = JSON.parse(text, (_key, value) =>
    Array.isArray(value?.entries) ? new Map(value.entries) : value,
  ) as Omit<Results, 'comparisons'> & {
    readonly comparisons: readonly {
      work: string;
      until: Comparison['until'];
      rounds: Comparison['rounds'];
    }[];
  };
  return {
    // JSON leaves out what is undefined.
    ...{ latency: undefined, startUp: undefined, imports: undefined, doubt: undefined },
    ...rest,
    comparisons: comparisons.flatMap(({ work: name, until, rounds }) => {
      const work = WORK.find((candidate) => candidate.name === name);
      return work === undefined ? [] : [compareRounds({ work, until, rounds })];
    }),
  };
}
