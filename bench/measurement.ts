/**
 * CPU time of servers at their work, so that what disturbs one disturbs all.
 *
 * Rule 1: rounds go through all work. A minute in which the machine does something else costs a round of some work,
 *         which the median leaves out, and not all rounds of one.
 * Rule 2: in a round, the servers of a work are there at the same time, and are measured for a second in turn, there
 *         and back again. Each round has new processes, since the compiler does not do the same in each.
 * Rule 3: a ratio is worked out of each round. Both of its terms are of the same minute.
 */
import { load } from './load.ts';
import { observe } from './observation.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import { type Spread, spread } from './statistics.ts';
import type { Work } from './work.ts';

export interface MeasurementSettings {
  readonly node: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUp: number;
  onProgress(text: string): void;
  /** Told for each observation what part of the servers' processor others used. */
  onOthers(share: number): void;
}

/** What one server did in one round. */
interface Sample {
  /** CPU time for each request or MiB, in microseconds. */
  readonly cost: number;
  /** Requests or MiB a second. */
  readonly rate: number;
}

/** All figures of one work. */
export interface Comparison {
  readonly work: Work;
  readonly costs: ReadonlyMap<string, Spread>;
  readonly rates: ReadonlyMap<string, Spread>;
  /** How many times the CPU time of `server` that of `against` is, round by round. */
  ratio(against: string, server: string): Spread;
}

type Round = ReadonlyMap<string, Sample>;

/** Measures all servers at all work. */
export async function measure(works: readonly Work[], settings: MeasurementSettings): Promise<Comparison[]> {
  const rounds = new Map<Work, Round[]>(works.map((work) => [work, []]));
  for (let round = 0; round < settings.rounds; round += 1) {
    for (const [work, found] of rounds) {
      const samples = await measureRound(work, round, settings);
      found.push(samples);
      const costs = [...samples].map(([name, { cost }]) => `${name} ${cost.toFixed(2)}`);
      settings.onProgress(`${round + 1}/${settings.rounds} ${work.name}, µs: ${costs.join(', ')}`);
    }
  }
  return [...rounds].map(([work, found]) => compare(work, found));
}

async function measureRound(work: Work, round: number, settings: MeasurementSettings): Promise<Round> {
  const { node, seconds, warmUp } = settings;
  const servers: ServerProcess[] = [];
  try {
    for (const name of work.servers) servers.push(await startServer(name, node));
    for (const server of servers) await server.during(load(work, server.port, warmUp));
    const sums = new Map(servers.map((server) => [server, { cpu: 0, count: 0, rate: 0 }]));
    for (let second = 0; second < seconds; second += 1) {
      for (const [server, sum] of (round + second) % 2 === 0 ? [...sums] : [...sums].reverse()) {
        const { result, cpu, others } = await observe(server, () => load(work, server.port, 1));
        settings.onOthers(others);
        sum.cpu += cpu;
        sum.count += result.count;
        sum.rate += result.rate / seconds;
      }
    }
    return new Map([...sums].map(([{ name }, { cpu, count, rate }]) => [name, { cost: cpu / count, rate }]));
  } finally {
    for (const server of servers) await server.stop();
  }
}

function compare(work: Work, rounds: readonly Round[]): Comparison {
  const of = (name: string, key: keyof Sample): number[] =>
    rounds.map((samples) => samples.get(name)?.[key] ?? Number.NaN);
  const spreads = (key: keyof Sample): Map<string, Spread> =>
    new Map(work.servers.map((name) => [name, spread(of(name, key))]));
  return {
    work,
    costs: spreads('cost'),
    rates: spreads('rate'),
    ratio(against, server) {
      const others = of(against, 'cost');
      return spread(of(server, 'cost').map((cost, round) => (others[round] ?? Number.NaN) / cost));
    },
  };
}
