/**
 * One round of a measurement, made so that what disturbs one server disturbs all.
 *
 * Rule 1: all servers of a round are there at the same time, and each is observed for a second in turn, there and back
 *         again.
 * Rule 2: each round has new processes, since the compiler does not do the same in each.
 */
import { warmUp } from './load.ts';
import { type Observation, observe } from './observation.ts';
import { type ServerProcess, startServer } from './server-process.ts';
import type { Work } from './work.ts';

export interface MeasurementSettings {
  readonly node: string;
  readonly rounds: number;
  /** How many each server is observed in a round. */
  readonly seconds: number;
  onProgress(text: string): void;
  /** Told for each observation what part of its time others had the processors. */
  onOthers(share: number): void;
}

export interface Round<T> {
  /** Counts from 0. */
  readonly number: number;
  readonly servers: readonly string[];
  /** Warms them up. */
  readonly work: Work;
  /** What is done to a server for a second. */
  act(server: ServerProcess): Promise<T>;
}

/** Plays a round; gives what was observed of each server, second by second. */
export async function play<T>(
  { number, servers: names, work, act }: Round<T>,
  { node, seconds, onOthers }: MeasurementSettings,
): Promise<Map<string, Observation<T>[]>> {
  const found = new Map<string, Observation<T>[]>(names.map((name) => [name, []]));
  const servers: ServerProcess[] = [];
  try {
    for (const name of names) servers.push(await startServer(name, node));
    for (const server of servers) await server.during(warmUp(work, server.port));
    for (let second = 0; second < seconds; second += 1) {
      for (const server of (number + second) % 2 === 0 ? servers : servers.toReversed()) {
        const observation = await observe(server, () => act(server));
        onOthers(observation.others);
        found.get(server.name)?.push(observation);
      }
    }
    return found;
  } finally {
    for (const server of servers) await server.stop();
  }
}
