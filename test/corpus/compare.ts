/**
 * Replays the corpus against our server and node:http, and makes a Markdown table with one row per page.
 *
 *     npx tsx test/corpus/compare.ts            prints the table
 *     npx tsx test/corpus/compare.ts --write    puts it into docs/http.md
 *     npx tsx test/corpus/compare.ts --cases    also lists every case in which a server differs
 *
 * Pages about the environ are not compared. For all others node:http runs a program that does the same.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { type Contestant, startNode, startOurs } from './contestant.ts';
import { type CorpusCase, readCorpus } from './corpus.ts';
import { type Judgement, judge } from './judgement.ts';
import { inParallel } from './parallel.ts';
import { replay } from './replay.ts';

/** Connections at once; milliseconds to wait for a case that does not come out as written. */
const PARALLEL = 32;
const PATIENCE = 1500;

type Start = (limits: CorpusCase['limits']) => Promise<Contestant>;

interface Verdict {
  readonly judgement: Judgement;
  readonly hasCrashed: boolean;
}

const cases = readCorpus();
const ours = await replayAll(startOurs);
const nodes = await replayAll(startNode);

const PAGE = new URL('../../docs/http.md', import.meta.url);
const PLACE = /(?<=<!-- corpus -->\n)[\s\S]*?(?=<!-- end of corpus -->)/;
/** Kinds of deviation that a row names. */
const MAX_KINDS = 3;

const table = [
  '| theme | inputs | here | node:http | where node:http differs |',
  '| --- | --- | --- | --- | --- |',
  ...[...new Set(cases.map(({ requirement }) => requirement))].map(rowOf),
  totals(),
].join('\n');
if (process.argv.includes('--write')) {
  writeFileSync(
    PAGE,
    readFileSync(PAGE, 'utf8').replace(PLACE, () => `\n${table}\n\n`),
  );
} else console.log(table);
if (process.argv.includes('--cases')) listCases();

/** Replays all cases, on one server per set of limits. */
async function replayAll(start: Start): Promise<Verdict[]> {
  const servers = new Map<string, Promise<Contestant>>();
  const verdicts = await Promise.all(
    inParallel(cases, PARALLEL, async (each): Promise<Verdict> => {
      const key = JSON.stringify(each.limits);
      const server = servers.get(key) ?? start(each.limits);
      servers.set(key, server);
      const sending = { pieces: each.pieces, isLast: false };
      const observed = await replay(await server, each, { sending, patience: PATIENCE });
      return { judgement: judge(each.outcome, observed, sending), hasCrashed: observed.hasCrashed };
    }),
  );
  for (const server of servers.values()) await (await server).stop();
  return verdicts;
}

function rowOf(requirement: number): string {
  const own = [...cases.keys()].filter((index) => cases[index]?.requirement === requirement);
  const title = cases[own[0] ?? 0]?.page ?? '';
  const isComparable = own.some((index) => !showsEnviron(cases[index]));
  const node = isComparable ? String(countOf(own, nodes)) : '';
  const kinds = isComparable ? kindsOf(own) : 'it has no environ';
  return `| ${requirement}. ${title} | ${own.length} | ${countOf(own, ours)} | ${node} | ${kinds} |`;
}

function totals(): string {
  const all = [...cases.keys()];
  const compared = all.filter((index) => !showsEnviron(cases[index]));
  return `| together | ${all.length} | ${countOf(all, ours)} | ${countOf(compared, nodes)} of ${compared.length} | |`;
}

function showsEnviron(each: CorpusCase | undefined): boolean {
  return each?.script?.some(({ kind }) => kind === 'shows') === true;
}

function countOf(own: readonly number[], verdicts: readonly Verdict[]): number {
  return own.filter((index) => deviation(index, verdicts[index]) === undefined).length;
}

/** The kinds of deviation with their counts, most frequent first. */
function kindsOf(own: readonly number[]): string {
  const counts = new Map<string, number>();
  for (const index of own) {
    const kind = deviation(index, nodes[index]);
    if (kind !== undefined) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const sorted = [...counts].sort((left, right) => right[1] - left[1]);
  const named = sorted.slice(0, MAX_KINDS).map(([kind, count]) => `${kind} (${count})`);
  const others = sorted.slice(MAX_KINDS).reduce((sum, [, count]) => sum + count, 0);
  return [...named, ...(others > 0 ? [`other (${others})`] : [])].join(', ');
}

/** The kind of a deviation; undefined if there is none. */
function deviation(index: number, verdict: Verdict | undefined): string | undefined {
  const expected = cases[index]?.outcome;
  if (expected === undefined || verdict === undefined) return undefined;
  const { outcome, faults } = verdict.judgement;
  if (verdict.hasCrashed) return 'the listener throws';
  const isRefused =
    outcome.refusal !== undefined || (outcome.end !== 'kept' && outcome.requests.length === 0);
  if (expected.refusal !== undefined && outcome.refusal !== expected.refusal) {
    if (outcome.refusal !== undefined) return `${outcome.refusal} instead of ${expected.refusal}`;
    return outcome.end === 'kept' || !isRefused
      ? `accepts what ${expected.refusal} refuses`
      : `no ${expected.refusal}`;
  }
  if (expected.refusal === undefined && outcome.refusal !== undefined)
    return `refuses with ${outcome.refusal}`;
  if (outcome.end === 'reset') return 'resets the connection';
  if (outcome.requests.length > expected.requests.length) return 'sees another request';
  if (!isDeepStrictEqual(outcome.requests, expected.requests)) return 'another request or response';
  if (expected.after !== undefined && faults.some((fault) => fault.startsWith('closed')))
    return 'closes later';
  if (outcome.end !== expected.end) return `${outcome.end} instead of ${expected.end}`;
  // All refusals of node lack Date and length: docs/http.md says so once, and it is not counted here.
  const others = faults.filter((fault) => !/Date|^refusal has no length|^refusal is cut/.test(fault));
  return others.length > 0 ? others[0]?.replace(/\d+ /, '') : undefined;
}

function listCases(): void {
  for (const [index, { requirement, name }] of cases.entries()) {
    const kind = deviation(index, nodes[index]);
    if (kind !== undefined) console.log(`${requirement}  ${kind}  ${name.slice(0, 120)}`);
    const own = deviation(index, ours[index]);
    if (own !== undefined) console.log(`OURS ${requirement}  ${own}  ${name.slice(0, 120)}`);
  }
}
