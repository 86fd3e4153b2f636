/** CPU time of servers at some work: all of them in turn in each round, so that what disturbs one disturbs all. */
import { load } from './load.ts';
import { startServer } from './server-process.ts';
import { type Spread, spread } from './statistics.ts';
import type { Work } from './work.ts';

export interface MeasurementSettings {
  readonly node: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUp: number;
  onProgress(text: string): void;
  /** Called before each round, when nothing runs. */
  onRound(): Promise<void>;
}

/** What one server did in one round. */
interface Sample {
  /** CPU time for each request or MiB, in microseconds. */
  readonly cost: number;
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

/** Measures all servers at one work. */
export async function measure(work: Work, settings: MeasurementSettings): Promise<Comparison> {
  const samples = new Map<string, Sample[]>(work.servers.map((name) => [name, []]));
  for (let round = 0; round < settings.rounds; round += 1) {
    await settings.onRound();
    // There and back again: what gets slower as time goes by does so for all.
    const order = round % 2 === 0 ? work.servers : work.servers.toReversed();
    for (const name of order) {
      const sample = await measureServer(work, name, settings);
      samples.get(name)?.push(sample);
      settings.onProgress(
        `${work.name} ${round + 1}/${settings.rounds} ${name}: ${sample.cost.toFixed(2)} µs`,
      );
    }
  }
  const costsOf = (name: string): number[] => (samples.get(name) ?? []).map(({ cost }) => cost);
  const ratesOf = (name: string): number[] => (samples.get(name) ?? []).map(({ rate }) => rate);
  return {
    work,
    costs: new Map(work.servers.map((name) => [name, spread(costsOf(name))])),
    rates: new Map(work.servers.map((name) => [name, spread(ratesOf(name))])),
    ratio(against, server) {
      const others = costsOf(against);
      return spread(costsOf(server).map((cost, round) => (others[round] ?? Number.NaN) / cost));
    },
  };
}

async function measureServer(work: Work, name: string, settings: MeasurementSettings): Promise<Sample> {
  const server = await startServer(name, settings.node);
  try {
    await load(work, server.port, settings.warmUp);
    const before = await server.usage();
    const { count, rate } = await load(work, server.port, settings.seconds);
    const after = await server.usage();
    return { cost: (after.cpu - before.cpu) / count, rate };
  } finally {
    await server.stop();
  }
}
