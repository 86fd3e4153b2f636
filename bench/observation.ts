/**
 * Observes the CPU time of a server during an action, while the machine is as quiet as possible.
 *
 * Other programs make a server more expensive even if it never waits for them: they evict its caches, and a load that
 * waits for its processor sends less at once, so that the server wakes for each request. So each observation notes
 * for how much of its time others had either processor.
 */
import { waitingTime } from './load-process.ts';
import { watchServerProcessor } from './processors.ts';
import type { ServerProcess } from './server-process.ts';

/** A greater share of others is a disturbance. */
const TOLERATED_SHARE = 0.1;

export interface Observation<T> {
  /** The result of the action. */
  readonly result: T;
  /** Microseconds of CPU time of the server. */
  readonly cpu: number;
  /** The same of each further process that serves. */
  readonly processes: readonly number[];
  /** Fraction of the time that others had the processor of the server or of the load, the greater of both. */
  readonly others: number;
}

/** Observes a server during an action; if others disturb, observes again and returns the calmer time. */
export async function observe<T>(server: ServerProcess, act: () => Promise<T>): Promise<Observation<T>> {
  const first = await observeOnce(server, act);
  if (first.others <= TOLERATED_SHARE) return first;
  const second = await observeOnce(server, act);
  return second.others < first.others ? second : first;
}

async function observeOnce<T>(server: ServerProcess, act: () => Promise<T>): Promise<Observation<T>> {
  const before = await server.usage();
  const endWatch = watchServerProcessor();
  const [begun, waited] = [performance.now(), waitingTime()];
  const result = await server.during(act());
  const after = await server.usage();
  const cpu = after.cpu - before.cpu;
  const wait = (waitingTime() - waited) / (performance.now() - begun);
  const processes = after.processes.map((time, index) => time - (before.processes[index] ?? 0));
  return { result, cpu, processes, others: Math.max(endWatch(cpu), wait) };
}

/** Returns a warning if other programs make the figures doubtful. */
export function doubt(shares: readonly number[]): string | undefined {
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  if (!(mean > TOLERATED_SHARE)) return undefined;
  return `Other programs had the processors for ${(mean * 100).toFixed(0)} % of the time`;
}
