/** Latency of hello at 70 % of what node:http can take at most, at a constant rate that is the same for all. */
import { load, runProgram } from './load.ts';
import type { MeasurementSettings } from './measurement.ts';
import { observe } from './observation.ts';
import { startServer } from './server-process.ts';
import { type Spread, spread } from './statistics.ts';
import { WORK } from './work.ts';

const SERVERS = ['node:http', 'gatebridge'] as const;
const PART = 0.7;
const CONNECTIONS = 64;

export interface Latencies {
  /** Requests a second. */
  readonly rate: number;
  /** Of what the client was to send, the least that it managed in any round. */
  readonly achieved: number;
  /** Microseconds. */
  readonly servers: ReadonlyMap<string, { readonly p50: Spread; readonly p99: Spread }>;
}

/** Measures the servers in turn. */
export async function measureLatency(settings: MeasurementSettings): Promise<Latencies> {
  const rate = Math.floor((await measureMost(settings)) * PART);
  const found = new Map(SERVERS.map((name) => [name, { p50: [] as number[], p99: [] as number[] }]));
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < settings.rounds; round += 1) {
    for (const name of round % 2 === 0 ? SERVERS : SERVERS.toReversed()) {
      const { p50 = Number.NaN, p99 = Number.NaN, achieved = 0 } = await measureServer(name, rate, settings);
      found.get(name)?.p50.push(p50 * 1000);
      found.get(name)?.p99.push(p99 * 1000);
      least = Math.min(least, achieved);
      settings.onProgress(
        `${round + 1}/${settings.rounds} latency, µs: ${name} p99 ${(p99 * 1000).toFixed(0)}`,
      );
    }
  }
  const servers = [...found].map(
    ([name, { p50, p99 }]) => [name, { p50: spread(p50), p99: spread(p99) }] as const,
  );
  return { rate, achieved: least / rate, servers: new Map(servers) };
}

/** The best second counts: something else can keep a server from its most, and nothing can help it beyond. */
async function measureMost({ node, seconds, warmUp }: MeasurementSettings): Promise<number> {
  const hello = WORK.find(({ name }) => name === 'hello');
  if (hello === undefined) throw new TypeError('There is no work of the name hello');
  const server = await startServer(SERVERS[0], node);
  try {
    await server.during(load(hello, server.port, warmUp));
    const rates: number[] = [];
    while (rates.length < seconds) rates.push((await server.during(load(hello, server.port, 1))).rate);
    return Math.max(...rates);
  } finally {
    await server.stop();
  }
}

async function measureServer(
  name: string,
  rate: number,
  { node, seconds, warmUp, onOthers }: MeasurementSettings,
): Promise<Record<string, number>> {
  const server = await startServer(name, node);
  const options = {
    port: server.port,
    rate,
    milliseconds: seconds * 1000,
    warmUp: warmUp * 1000,
    connections: CONNECTIONS,
  };
  try {
    const { result, others } = await observe(server, () => runProgram('constant-rate', options));
    onOthers(others);
    return result;
  } finally {
    await server.stop();
  }
}
