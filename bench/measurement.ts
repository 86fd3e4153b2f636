/**
 * Measures the CPU time of servers at their work.
 *
 * Rule 1: each round goes through all work. A disturbed minute spoils one round of some work, which the median leaves
 *         out, and not all rounds of one.
 * Rule 2: a ratio is computed for each round, so that both of its terms are from the same minute.
 */
import { load, type Served } from './load.ts';
import type { Observation } from './observation.ts';
import { type MeasurementSettings, play } from './round.ts';
import { type Spread, spread } from './statistics.ts';
import type { Work } from './work.ts';

/** The figures of one server in one round. */
interface Sample {
  /** CPU time for each request or MiB, in microseconds. */
  readonly cost: number;
  /** Requests or MiB a second. */
  readonly rate: number;
  /** Mean fraction of the time that others had the processors. */
  readonly others: number;
}

/** All figures of one work. */
export interface Comparison {
  readonly work: Work;
  readonly costs: ReadonlyMap<string, Spread>;
  readonly rates: ReadonlyMap<string, Spread>;
  /** Mean fraction of the time that others had the processors. */
  readonly others: number;
  /** CPU time of `against` divided by that of `server`, round by round. */
  ratio(against: string, server: string): Spread;
}

type Samples = ReadonlyMap<string, Sample>;

/** Measures all servers at all work. */
export async function measure(works: readonly Work[], settings: MeasurementSettings): Promise<Comparison[]> {
  const rounds = new Map<Work, Samples[]>(works.map((work) => [work, []]));
  for (let number = 0; number < settings.rounds; number += 1) {
    for (const [work, found] of rounds) {
      const { servers } = work;
      const observed = await play(
        { number, servers, work, act: ({ port }) => load(work, port, 1) },
        settings,
      );
      const samples = new Map([...observed].map(([name, seconds]) => [name, sum(seconds)]));
      found.push(samples);
      const costs = [...samples].map(([name, { cost }]) => `${name} ${cost.toFixed(2)}`);
      settings.onProgress(`${number + 1}/${settings.rounds} ${work.name}, µs: ${costs.join(', ')}`);
    }
  }
  return [...rounds].map(([work, found]) => compare(work, found));
}

function sum(seconds: readonly Observation<Served>[]): Sample {
  let [cpu, count, rate, others] = [0, 0, 0, 0];
  for (const { cpu: used, result, others: share } of seconds) {
    others += share;
    cpu += used;
    count += result.count;
    rate += result.rate;
  }
  return { cost: cpu / count, rate: rate / seconds.length, others: others / seconds.length };
}

function compare(work: Work, rounds: readonly Samples[]): Comparison {
  const of = (name: string, key: keyof Sample): number[] =>
    rounds.map((samples) => samples.get(name)?.[key] ?? Number.NaN);
  const spreads = (key: keyof Sample): Map<string, Spread> =>
    new Map(work.servers.map((name) => [name, spread(of(name, key))]));
  const shares = work.servers.flatMap((name) => of(name, 'others'));
  return {
    work,
    costs: spreads('cost'),
    rates: spreads('rate'),
    others: shares.reduce((total, share) => total + share, 0) / shares.length,
    ratio(against, server) {
      const others = of(against, 'cost');
      return spread(of(server, 'cost').map((cost, round) => (others[round] ?? Number.NaN) / cost));
    },
  };
}
