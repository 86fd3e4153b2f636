/**
 * One round of a measurement, in which a disturbance hits all servers alike.
 *
 * Rule 1: all servers of a round run at the same time, and are observed for a second in turn, forwards and backwards.
 * Rule 2: the server that starts and is warmed up first is another in each round.
 * Rule 3: each round has new processes, because the compiler does not do the same in each.
 */
import { type WarmUp, warmUp } from './load.ts';
import { type Observation, observe } from './observation.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import type { Work } from './work.ts';

export interface MeasurementSettings {
  readonly node: string;
  readonly rounds: number;
  /** Seconds that each server is observed in a round. */
  readonly seconds: number;
  /** Connections of the load. */
  readonly connections: number;
  /** When servers are warm; each way is measured with new processes. */
  readonly warmUps: readonly WarmUp[];
  onProgress(text: string): void;
  /** Called for each observation with the fraction of its time that others had the processors. */
  onOthers(share: number): void;
}

export interface Round<T> {
  /** Counts from 0. */
  readonly number: number;
  readonly servers: readonly string[];
  /** The work that warms them up. */
  readonly work: Work;
  readonly until: WarmUp;
  /** Prepares to load a server for a second. Only `run` is observed. */
  prepare(server: ServerProcess): Promise<Action<T>>;
}

export interface Action<T> {
  run(): Promise<T>;
  end(): Promise<void>;
}

/** Plays a round; returns the observations of each server, second by second. */
export async function play<T>(
  { number, servers: names, work, until, prepare }: Round<T>,
  { node, seconds, connections, onOthers }: MeasurementSettings,
): Promise<Map<string, Observation<T>[]>> {
  const found = new Map<string, Observation<T>[]>(names.map((name) => [name, []]));
  const servers: ServerProcess[] = [];
  try {
    const order = number % 2 === 0 ? names : names.toReversed();
    for (const name of order) servers.push(await startServer(name, node));
    for (const server of servers) await server.during(warmUp({ work, server, connections }, until));
    for (let second = 0; second < seconds; second += 1) {
      for (const server of second % 2 === 0 ? servers : servers.toReversed()) {
        const action = await server.during(prepare(server));
        const observation = await observe(server, () => action.run());
        await action.end();
        onOthers(observation.others);
        found.get(server.name)?.push(observation);
      }
    }
    return found;
  } finally {
    for (const server of servers) await server.stop();
  }
}
