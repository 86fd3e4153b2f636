/**
 * Measures the CPU time of servers at their work.
 *
 * Rule 1: each round goes through all work. A disturbed minute spoils one round of some work, which the median leaves
 *         out, and not all rounds of one.
 * Rule 2: a ratio is computed for each round, so that both of its terms are from the same minute.
 */
import { readyLoad, type WarmUp, warmUpsOf } from './load.ts';
import type { Served } from './load-target.ts';
import type { Observation } from './observation.ts';
import { type MeasurementSettings, play } from './round.ts';
import { type Spread, spread } from './statistics.ts';
import type { FigureName, Work } from './work.ts';

/** The figures of one server in one round. */
export interface Sample {
  readonly figures: Partial<Record<FigureName, number>>;
  /** Mean fraction of the time that others had the processors. */
  readonly others: number;
}

/** All figures of one work, after one way to warm up. */
export interface Comparison {
  readonly work: Work;
  readonly until: WarmUp;
  readonly rounds: readonly Samples[];
  readonly costs: ReadonlyMap<string, Spread>;
  readonly rates: ReadonlyMap<string, Spread>;
  /** Mean fraction of the time that others had the processors. */
  readonly others: number;
  /** A figure of a server; undefined if this work has none. */
  figure(name: FigureName, server: string): Spread | undefined;
  /** A figure of `against` divided by that of `server`, round by round. @default CPU time */
  ratio(against: string, server: string, name?: FigureName): Spread;
}

/** One round: the figures of each server. */
export type Samples = ReadonlyMap<string, Sample>;

/** Measures all servers at all work, after each way to warm up. */
export async function measure(works: readonly Work[], settings: MeasurementSettings): Promise<Comparison[]> {
  const all = works.flatMap((work) =>
    warmUpsFor(work, settings).map((until) => ({ work, until, rounds: [] as Samples[] })),
  );
  for (let number = 0; number < settings.rounds; number += 1) {
    for (const { work, until, rounds } of all) {
      const samples = await measureRound({ work, until, number }, settings);
      rounds.push(samples);
      const costs = [...samples].map(([name, { figures }]) => `${name} ${figures.cost?.toFixed(2)}`);
      const place = `${number + 1}/${settings.rounds} ${work.name}, warm by ${until}`;
      settings.onProgress(`${place}, µs: ${costs.join(', ')}`);
    }
  }
  return all.map(compareRounds);
}

/** At least one, though the settings may ask for another. */
function warmUpsFor(work: Work, { warmUps }: MeasurementSettings): readonly WarmUp[] {
  const known = warmUpsOf(work);
  const asked = known.filter((until) => warmUps.includes(until));
  return asked.length > 0 ? asked : known;
}

interface Part {
  readonly work: Work;
  readonly until: WarmUp;
  readonly number: number;
}

async function measureRound({ work, until, number }: Part, settings: MeasurementSettings): Promise<Samples> {
  const { connections } = settings;
  const observed = await play(
    {
      ...{ number, servers: work.servers, work, until },
      prepare: (server) => readyLoad({ work, server, connections }, 1),
    },
    settings,
  );
  return new Map([...observed].map(([name, seconds]) => [name, sum(seconds)]));
}

function sum(seconds: readonly Observation<Served>[]): Sample {
  let [cpu, count, rate, others] = [0, 0, 0, 0];
  const found = new Map<FigureName, number[]>();
  const add = (name: FigureName, value: number | undefined): void => {
    if (value !== undefined) found.set(name, [...(found.get(name) ?? []), value]);
  };
  for (const { cpu: used, result, others: share, processes } of seconds) {
    others += share;
    cpu += used;
    count += result.count;
    rate += result.rate;
    for (const name of ['p50', 'p99', 'wait'] as const) add(name, result.figures?.[name]);
    add('balance', balanceOf(processes));
  }
  // A stall of the machine spoils one second.
  const medians = [...found].map(([name, values]) => [name, spread(values).median]);
  const figures = { cost: cpu / count, rate: rate / seconds.length, ...Object.fromEntries(medians) };
  return { figures, others: others / seconds.length };
}

/** The time of the busiest process to that of the next one; undefined without two workers and a supervisor. */
function balanceOf(processes: readonly number[]): number | undefined {
  const [first, second] = processes.toSorted((a, b) => b - a);
  return processes.length < 3 || first === undefined || second === undefined ? undefined : first / second;
}

/** Computes medians and ratios of what was measured. */
export function compareRounds(part: Pick<Comparison, 'work' | 'until' | 'rounds'>): Comparison {
  const { work, until, rounds } = part;
  const of = (name: string, key: FigureName): number[] =>
    rounds.map((samples) => samples.get(name)?.figures[key] ?? Number.NaN);
  const spreads = (key: FigureName): Map<string, Spread> =>
    new Map(work.servers.map((name) => [name, spread(of(name, key))]));
  const shares = rounds.flatMap((samples) => [...samples.values()].map(({ others }) => others));
  return {
    ...{ work, until, rounds },
    costs: spreads('cost'),
    rates: spreads('rate'),
    others: shares.reduce((total, share) => total + share, 0) / shares.length,
    figure(key, server) {
      const values = of(server, key);
      return values.some(Number.isNaN) ? undefined : spread(values);
    },
    ratio(against, server, key = 'cost') {
      const others = of(against, key);
      return spread(of(server, key).map((value, round) => (others[round] ?? Number.NaN) / value));
    },
  };
}
