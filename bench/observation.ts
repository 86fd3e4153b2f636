/**
 * What something costs a server in CPU time, at a moment when the machine is as quiet as it gets.
 *
 * Other programs make a server dearer even if it never waits for them: they take the caches from it, and a load that
 * has to wait for its processor sends less at once, so that the server wakes for each request. So each observation
 * notes for how much of its time others had either processor.
 */
import { waitingTime } from './load.ts';
import { watchServerProcessor } from './processors.ts';
import type { ServerProcess } from './server-process.ts';

/** More than that is a disturbance. */
const TOLERATED_SHARE = 0.1;

export interface Observation<T> {
  /** What came of it. */
  readonly result: T;
  /** Microseconds of CPU time of the server. */
  readonly cpu: number;
  /** Part of the time that others had the processor of the server or of the load, from 0 to 1. */
  readonly others: number;
}

/** Observes a server while something is done to it; once more if others disturb, and then the calmer time counts. */
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
  return { result, cpu, others: Math.max(endWatch(cpu), wait) };
}

/** Says it if figures are doubtful because of others. */
export function doubt(shares: readonly number[]): string | undefined {
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  if (!(mean > TOLERATED_SHARE)) return undefined;
  return `Other programs had the processors for ${(mean * 100).toFixed(0)} % of the time`;
}
