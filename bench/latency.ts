/** Measures the latency of hello at a constant rate for all: a fixed part of the most that node:http takes. */
import { load, warmUp } from './load.ts';
import { runProgram } from './load-process.ts';
import type { LoadTarget } from './load-target.ts';
import { type MeasurementSettings, play } from './round.ts';
import { startServer } from './server-process.ts';
import { type Spread, spread } from './statistics.ts';
import type { Work } from './work.ts';
import { WORK } from './work-table.ts';

const SERVERS = ['node:http', 'gatebridge'] as const;
const PART = 0.7;
/** Milliseconds at that rate before each counted second, to compile the code of client and server. */
const WARM_UP = 2500;

export interface Latencies {
  /** Requests a second. */
  readonly rate: number;
  /** The least fraction of the rate that the client reached in any second. */
  readonly achieved: number;
  /** Microseconds: the spread over the seconds. A stall of the machine spoils one second, not a server. */
  readonly servers: ReadonlyMap<string, { readonly p50: Spread; readonly p99: Spread }>;
}

/** Measures the servers a second at a time. */
export async function measureLatency(settings: MeasurementSettings): Promise<Latencies> {
  const rate = Math.floor((await measureMost(settings)) * PART);
  const found = new Map<string, Record<string, number>[]>(SERVERS.map((name) => [name, []]));
  const spreadOf = (name: string, key: string): Spread =>
    spread((found.get(name) ?? []).map((figures) => figures[key] ?? Number.NaN));
  for (let number = 0; number < settings.rounds; number += 1) {
    const { connections } = settings;
    const options = { rate, milliseconds: 1000, warmUp: WARM_UP, connections };
    const observed = await play(
      {
        ...{ number, servers: SERVERS, work: hello(), until: 'requests' },
        async prepare({ port }) {
          return { run: () => runProgram('constant-rate', { port, ...options }), end: async () => {} };
        },
      },
      settings,
    );
    for (const [name, seconds] of observed) found.get(name)?.push(...seconds.map(({ result }) => result));
    const middles = SERVERS.map((name) => `${name} ${spreadOf(name, 'p99').median.toFixed(0)}`);
    settings.onProgress(`${number + 1}/${settings.rounds} latency, p99 so far, µs: ${middles.join(', ')}`);
  }
  return {
    rate,
    achieved: Math.min(...SERVERS.map((name) => spreadOf(name, 'achieved').least)) / rate,
    servers: new Map(
      SERVERS.map((name) => [name, { p50: spreadOf(name, 'p50'), p99: spreadOf(name, 'p99') }]),
    ),
  };
}

/** Returns the best second, because a disturbance can only lower the rate. */
async function measureMost({ node, seconds, connections }: MeasurementSettings): Promise<number> {
  const server = await startServer(SERVERS[0], node);
  try {
    const target: LoadTarget = { work: hello(), server, connections };
    await server.during(warmUp(target, 'requests'));
    const rates: number[] = [];
    while (rates.length < seconds) rates.push((await server.during(load(target, 1))).rate);
    return Math.max(...rates);
  } finally {
    await server.stop();
  }
}

function hello(): Work {
  const work = WORK.find(({ name }) => name === 'hello');
  if (work === undefined) throw new TypeError('There is no work of the name hello');
  return work;
}
