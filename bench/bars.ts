/**
 * The bars: each ratio after each way to warm up, and if the bar is reached.
 *
 * Rule: of two ways to warm up the worse one counts.
 */
import type { ImportTime } from './imports.ts';
import type { Latencies } from './latency.ts';
import type { WarmUp } from './load.ts';
import type { Comparison } from './measurement.ts';
import type { Memory } from './memory.ts';
import type { Spread } from './statistics.ts';
import type { Bar, FigureName } from './work.ts';

/** The head of the table. */
export const BAR_HEADER = ['work', 'ratio', 'after 3 s', 'after 60,000 requests', 'to reach', ''];

/** What is compared, if it is not CPU time. */
const FIGURES: Readonly<Record<FigureName, string>> = {
  cost: '',
  rate: 'speed: ',
  p50: 'median latency: ',
  p99: '99th percentile of latency: ',
  wait: 'longest wait of a connection: ',
  balance: 'busier worker to the other: ',
};

/** The rows of one work, from its comparisons after each way to warm up: its bars, and ours beside each further peer. */
export function barRows(comparisons: readonly Comparison[], major: number): string[][] {
  const [first] = comparisons;
  if (first === undefined) return [];
  const { bars, servers, title } = first.work;
  const valid = bars.filter(({ on }) => on?.includes(major) !== false);
  const [reference = '', ours = ''] = servers;
  const isOurs = servers.filter((name) => name === reference || name === ours);
  const others = servers.filter((name) => !isOurs.includes(name) || name === reference);
  const hasBar = (name: string): boolean =>
    valid.some(({ against, figure = 'cost' }) => against === name && figure === 'cost');
  const shown: Bar[] = others.filter((name) => !hasBar(name)).map((against) => ({ server: ours, against }));
  return [...valid, ...shown].map((bar) => row(title, bar, comparisons));
}

function row(title: string, bar: Bar, comparisons: readonly Comparison[]): string[] {
  const { server, against, figure = 'cost', atLeast, atMost } = bar;
  const found = new Map(comparisons.map((one) => [one.until, ratioOf(bar, one)]));
  const isRatio = against !== undefined;
  const pair = isRatio && isInverted(bar) ? `${server} ÷ ${against}` : `${against} ÷ ${server}`;
  const text = (until: WarmUp): string => formatSpread(found.get(until));
  const verdict = verdictOf([...found.values()], bar);
  const bound = atLeast === undefined ? atMost?.toFixed(2) : atLeast.toFixed(2);
  const wanted = bound === undefined ? '–' : `at ${atLeast === undefined ? 'most' : 'least'} ${bound}`;
  const ratio = `${FIGURES[figure]}${isRatio ? pair : server}`;
  return [title, ratio, text('seconds'), text('requests'), wanted, verdict];
}

/** The figure of the server divided by that of the other, or the other way round: more is better unless the bar says `atMost`. */
function ratioOf(bar: Bar, comparison: Comparison): Spread | undefined {
  const { server, against, figure = 'cost' } = bar;
  if (against === undefined) return comparison.figure(figure, server);
  return isInverted(bar)
    ? comparison.ratio(server, against, figure)
    : comparison.ratio(against, server, figure);
}

function isInverted({ figure, atMost }: Bar): boolean {
  return atMost !== undefined || figure === 'rate';
}

function verdictOf(found: readonly (Spread | undefined)[], { atLeast, atMost }: Bar): string {
  const medians = found.map((one) => one?.median ?? Number.NaN);
  if (atLeast !== undefined) return verdict(Math.min(...medians) >= atLeast);
  return atMost === undefined ? '' : verdict(Math.max(...medians) <= atMost);
}

function verdict(isReached: boolean): string {
  return isReached ? 'reached' : '**missed**';
}

function formatSpread(spread: Spread | undefined): string {
  if (spread === undefined) return '';
  return `**${spread.median.toFixed(2)}** (${spread.least.toFixed(2)}–${spread.most.toFixed(2)})`;
}

/** The measurements that are not work. */
interface Others {
  readonly memories: readonly Memory[];
  readonly latency: Latencies | undefined;
  readonly imports: ReadonlyMap<string, ImportTime> | undefined;
}

/** Memory and latency beside node:http, and imports. */
export function otherBarRows({ memories, latency, imports }: Others): string[][] {
  const rows: string[][] = [];
  const add = (title: string, servers: ReadonlyMap<string, Spread>, most: number): void => {
    const [theirs, ours] = [servers.get('node:http'), servers.get('gatebridge')];
    if (theirs === undefined || ours === undefined) return;
    const ratio = {
      median: ours.median / theirs.median,
      least: ours.least / theirs.most,
      most: ours.most / theirs.least,
    };
    const wanted = `at most ${most.toFixed(2)}`;
    rows.push([
      title,
      'gatebridge ÷ node:http',
      formatSpread(ratio),
      '',
      wanted,
      verdict(ratio.median <= most),
    ]);
  };
  for (const { request, servers } of memories) {
    const residents = new Map([...servers].map(([name, { resident }]) => [name, resident]));
    add(`memory of an idle connection after a ${request}`, residents, 0.8);
  }
  const latencies = new Map([...(latency?.servers ?? [])].map(([name, { p99 }]) => [name, p99]));
  add('99th percentile of latency', latencies, 1);
  for (const [name, { more, atMost }] of imports ?? []) {
    if (atMost === undefined) continue;
    const title = `import of ${name}, ms more than node:http`;
    rows.push([title, '', formatSpread(more), '', `at most ${atMost}`, verdict(more.median <= atMost)]);
  }
  return rows;
}
