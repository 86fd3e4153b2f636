/** Formats the figures as Markdown that reads well as plain text: for the terminal, bench/results and README.md. */
import type { Latencies } from './latency.ts';
import { figure, table } from './markdown.ts';
import type { Comparison } from './measurement.ts';
import type { Memory } from './memory.ts';
import type { StartUp } from './start-up.ts';
import type { Spread } from './statistics.ts';
import { type Bar, isByMebibyte, unitTitle } from './work.ts';

/** The oldest supported version of Node: the default of bars, and the version of the table in README.md. */
export const SERVED_LONGEST = 20;

/** The conditions of a run. */
export interface Conditions {
  /** The version of Node. */
  readonly version: string;
  readonly machine: string;
  readonly load: string;
  readonly rounds: number;
  readonly seconds: number;
}

/** The measurements of one run; parts may be missing. */
export interface Results extends Conditions {
  readonly comparisons: readonly Comparison[];
  readonly latency: Latencies | undefined;
  readonly memory: Memory | undefined;
  readonly startUp: StartUp | undefined;
  /** A reason to doubt the figures. */
  readonly doubt: string | undefined;
}

/** Formats everything for one version of Node. */
export function formatResults(results: Results): string {
  const { version, machine, load, rounds, seconds, comparisons, latency, memory, startUp } = results;
  const requests = comparisons.filter(({ work }) => !isByMebibyte(work));
  const streams = comparisons.filter(({ work }) => isByMebibyte(work));
  const sections = [
    `# Benchmark on Node ${version.replace(/^v/, '')}`,
    `${machine}; ${load}; medians of ${rounds} rounds of ${seconds} s, with the least ` +
      'and the most in parentheses. How it is measured: [docs/benchmarks.md](../../docs/benchmarks.md).',
    ...(results.doubt === undefined ? [] : [`> ${results.doubt}.`]),
  ];
  const major = majorOf(version);
  const bars = comparisons.flatMap((comparison) => barRows(comparison, major));
  if (major === SERVED_LONGEST) bars.push(...otherBarRows(results));
  if (bars.length > 0)
    sections.push('## What is to be reached', table(['work', 'ratio', 'to reach', ''], bars));
  if (requests.length > 0) {
    const header = ['work', 'server', 'CPU for each request, µs', 'requests a second'];
    sections.push('## CPU time of a request', table(header, requests.flatMap(costRows)));
  }
  if (streams.length > 0) {
    const header = ['work', 'server', 'CPU for each MiB, µs', 'MiB a second'];
    sections.push('## Streamed content', table(header, streams.flatMap(costRows)));
  }
  if (latency !== undefined) sections.push('## Latency', latencyText(latency));
  if (memory !== undefined) sections.push('## Idle connections', memoryText(memory));
  if (startUp !== undefined) sections.push('## Start-up', startUpText(startUp));
  return `${sections.join('\n\n')}\n`;
}

/** Formats the table of README.md: one line for each work. */
export function formatSummary({ version, machine, comparisons, memory, latency, doubt }: Results): string {
  const rows = comparisons.map(({ work, costs, ratio }) => {
    const [against = '', server = ''] = work.servers;
    const cost = (name: string): string => costs.get(name)?.median.toFixed(1) ?? '';
    return [unitTitle(work), cost(against), cost(server), `${ratio(against, server).median.toFixed(2)}×`];
  });
  const others: string[] = [];
  for (const [name, { resident }] of memory?.servers ?? []) {
    others.push(`an idle connection of ${name} takes ${(resident.median / 1024).toFixed(1)} KiB`);
  }
  for (const [name, { p99 }] of latency?.servers ?? []) {
    others.push(`99 % of the answers of ${name} take at most ${(p99.median / 1000).toFixed(2)} ms`);
  }
  const header = ['µs of CPU time for each request', 'on node:http', 'gatebridge', ''];
  const caption = [
    `Node ${version.replace(/^v/, '')}, ${machine.split(',')[0]}.`,
    ...(others.length > 0 ? [`${capitalise(others.join('; '))}.`] : []),
    ...(doubt === undefined ? [] : [`${doubt}.`]),
  ].join(' ');
  return `${table(header, rows)}\n\n${caption}\n`;
}

function barRows(comparison: Comparison, major: number): string[][] {
  return comparison.work.bars.filter(isSetOn(major)).map((bar) => {
    const ratio = comparison.ratio(bar.against, bar.server);
    const { title } = comparison.work;
    if (bar.atLeast !== undefined) {
      const verdict = ratio.median >= bar.atLeast ? 'reached' : '**missed**';
      return [
        title,
        `${bar.against} ${times(ratio)} ${bar.server}`,
        `at least ${bar.atLeast.toFixed(2)}`,
        verdict,
      ];
    }
    const inverse = { median: 1 / ratio.median, least: 1 / ratio.most, most: 1 / ratio.least };
    const most = bar.atMost ?? Number.POSITIVE_INFINITY;
    const verdict = inverse.median <= most ? 'reached' : '**missed**';
    return [title, `${bar.server} ${times(inverse)} ${bar.against}`, `at most ${most.toFixed(2)}`, verdict];
  });
}

/** Rows for memory and latency: at most as much as node:http. */
function otherBarRows({ memory, latency }: Results): string[][] {
  const rows: string[][] = [];
  const add = (title: string, theirs: Spread | undefined, ours: Spread | undefined): void => {
    if (theirs === undefined || ours === undefined) return;
    const ratio = {
      median: ours.median / theirs.median,
      least: ours.least / theirs.most,
      most: ours.most / theirs.least,
    };
    const verdict = ratio.median <= 1 ? 'reached' : '**missed**';
    rows.push([title, `gatebridge ${times(ratio)} node:http`, 'at most 1.00', verdict]);
  };
  const [memories, latencies] = [memory?.servers, latency?.servers];
  const [theirs, ours] = ['node:http', 'gatebridge'] as const;
  add('memory of an idle connection', memories?.get(theirs)?.resident, memories?.get(ours)?.resident);
  add('99th percentile of latency', latencies?.get(theirs)?.p99, latencies?.get(ours)?.p99);
  return rows;
}

function isSetOn(major: number): (bar: Bar) => boolean {
  return ({ on = [SERVED_LONGEST] }) => on.includes(major);
}

function majorOf(version: string): number {
  return Number(/\d+/.exec(version)?.[0]);
}

function costRows({ work, costs, rates }: Comparison): string[][] {
  return work.servers.map((name, index) => {
    const cost = costs.get(name);
    const rate = rates.get(name);
    const figures =
      cost === undefined || rate === undefined ? ['', ''] : [figure(cost, 2), rate.median.toFixed(0)];
    return [index === 0 ? work.title : '', name, ...figures];
  });
}

function latencyText({ rate, achieved, servers }: Latencies): string {
  const rows = [...servers].map(([name, { p50, p99 }]) => [name, figure(p50, 0), figure(p99, 0)]);
  const kept = achieved < 0.97 ? ` The client managed only ${(achieved * 100).toFixed(0)} % of that.` : '';
  const text =
    `Hello at ${rate} requests a second, 70 % of the most that node:http took, from when a request was due to the ` +
    `end of its answer; medians of all seconds.${kept}`;
  return `${text}\n\n${table(['server', 'p50, µs', 'p99, µs'], rows)}`;
}

function memoryText({ connections, servers }: Memory): string {
  const rows = [...servers].map(([name, { resident, heap }]) => [name, figure(resident, 0), figure(heap, 0)]);
  const text = `${connections} connections, each after one request and a collection of garbage; octets for each of them.`;
  return `${text}\n\n${table(['server', 'resident', 'of it in the heap of V8 and in buffers'], rows)}`;
}

function startUpText({ servers }: StartUp): string {
  const rows = [...servers].map(([name, { answer, cpu, load }]) => [
    name,
    figure(answer, 0),
    figure(cpu, 0),
    figure(load, 0),
  ]);
  return table(['server', 'process to first answer, ms', 'CPU until then, ms', 'of it modules, ms'], rows);
}

function times(ratio: Spread): string {
  return `**${ratio.median.toFixed(2)}** (${ratio.least.toFixed(2)}–${ratio.most.toFixed(2)}) ×`;
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
