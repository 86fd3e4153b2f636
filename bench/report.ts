/** Formats the figures as Markdown that reads well as plain text: for the terminal, bench/results and README.md. */
import { BAR_HEADER, barRows, otherBarRows } from './bars.ts';
import type { ImportTime } from './imports.ts';
import type { Latencies } from './latency.ts';
import { figure, table } from './markdown.ts';
import type { Comparison } from './measurement.ts';
import type { Memory } from './memory.ts';
import type { StartUp } from './start-up.ts';
import { isByMebibyte, unitTitle, type Work } from './work.ts';

/** The version of Node whose figures count: that of the table in README.md. */
export const COUNTED = 26;

const COST_HEADER = ['after 3 s', 'after 60,000 requests'];

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
  /** After each kind of request. */
  readonly memories: readonly Memory[];
  readonly startUp: StartUp | undefined;
  readonly imports: ReadonlyMap<string, ImportTime> | undefined;
  /** A reason to doubt the figures. */
  readonly doubt: string | undefined;
}

/** Formats everything for one version of Node. */
export function formatResults(results: Results): string {
  const { version, machine, load, rounds, seconds, comparisons, latency, memories, startUp, imports } =
    results;
  const all = byWork(comparisons);
  const requests = all.filter(([{ work }]) => !isByMebibyte(work));
  const streams = all.filter(([{ work }]) => isByMebibyte(work));
  const sections = [
    `# Benchmark on Node ${version.replace(/^v/, '')}`,
    `${machine}; ${load}; medians of ${rounds} rounds of ${seconds} s, with the least ` +
      'and the most in parentheses. How it is measured: [docs/benchmarks.md](../../docs/benchmarks.md).',
    ...(results.doubt === undefined ? [] : [`> ${results.doubt}.`]),
  ];
  const major = majorOf(version);
  const bars = [...all.flatMap((one) => barRows(one, major)), ...otherBarRows(results)];
  if (bars.length > 0) sections.push('## What is to be reached', table(BAR_HEADER, bars));
  if (requests.length > 0) {
    const header = ['work', 'server', ...COST_HEADER, 'requests a second'];
    sections.push('## CPU time of a request, µs', table(header, requests.flatMap(costRows)));
  }
  if (streams.length > 0) {
    const header = ['work', 'server', ...COST_HEADER, 'MiB a second'];
    sections.push('## Streamed content, CPU time of a MiB, µs', table(header, streams.flatMap(costRows)));
  }
  if (latency !== undefined) sections.push('## Latency', latencyText(latency));
  if (memories.length > 0) sections.push('## Idle connections', memories.map(memoryText).join('\n\n'));
  if (startUp !== undefined) sections.push('## Start-up', startUpText(startUp));
  if (imports !== undefined) sections.push('## Imports', importText(imports));
  return `${sections.join('\n\n')}\n`;
}

/** Formats the table of README.md: one line for each work, after the way to warm up that is worse for us. */
export function formatSummary(results: Results): string {
  const { version, machine, comparisons, memories, latency, doubt } = results;
  const rows = byWork(comparisons).flatMap((all) => {
    const [against = '', server = ''] = all[0].work.servers;
    // Beside ourselves there is no column for it.
    if (against.startsWith('gatebridge')) return [];
    const [worst = all[0]] = all.toSorted((a, b) => ratio(a) - ratio(b));
    const cost = (name: string): string => worst.costs.get(name)?.median.toFixed(1) ?? '';
    return [[unitTitle(worst.work), cost(against), cost(server), `${ratio(worst).toFixed(2)}×`]];
  });
  const others: string[] = [];
  for (const { request, servers } of memories) {
    for (const [name, { resident }] of servers)
      others.push(
        `an idle connection of ${name} takes ${(resident.median / 1024).toFixed(1)} KiB after a ${request}`,
      );
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

/** The comparisons of each work. */
function byWork(comparisons: readonly Comparison[]): [Comparison, ...Comparison[]][] {
  const found = new Map<Work, [Comparison, ...Comparison[]]>();
  for (const one of comparisons) {
    const others = found.get(one.work);
    if (others === undefined) found.set(one.work, [one]);
    else others.push(one);
  }
  return [...found.values()];
}

function ratio({ work, ratio: ratioOf }: Comparison): number {
  const [against = '', server = ''] = work.servers;
  return ratioOf(against, server).median;
}

function majorOf(version: string): number {
  return Number(/\d+/.exec(version)?.[0]);
}

function costRows(all: readonly [Comparison, ...Comparison[]]): string[][] {
  const [first] = all;
  return first.work.servers.map((name, index) => {
    const costs = (['seconds', 'requests'] as const).map((until) => {
      const cost = all.find((one) => one.until === until)?.costs.get(name);
      return cost === undefined ? '' : figure(cost, 2);
    });
    const rate = first.rates.get(name)?.median.toFixed(0) ?? '';
    return [index === 0 ? first.work.title : '', name, ...costs, rate];
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

function memoryText({ connections, request, servers }: Memory): string {
  const rows = [...servers].map(([name, { resident, heap }]) => [name, figure(resident, 0), figure(heap, 0)]);
  const text = `${connections} connections, each after a ${request} and a collection of garbage; octets for each of them.`;
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

function importText(imports: ReadonlyMap<string, ImportTime>): string {
  const rows = [...imports].map(([name, { time, cpu, more }]) => [
    name,
    ...[time, more, cpu].map((one) => figure(one, 1)),
  ]);
  return table(['module', 'a process that imports it, ms', 'more than node:http, ms', 'CPU time, ms'], rows);
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
