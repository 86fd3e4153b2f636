/**
 * What something costs a server in CPU time, at a moment when the machine is as quiet as it gets.
 *
 * Other programs make a server dearer even if it never waits for them: they take the caches from it, and the batches in
 * which it reads and writes become smaller when the load has to wait. So each observation notes how much of the
 * processor of the servers went to others.
 */
import { watchServerProcessor } from './processors.ts';
import type { ServerProcess } from './server-process.ts';

/** More than that is a disturbance. */
const TOLERATED_SHARE = 0.1;

export interface Observation<T> {
  /** What came of it. */
  readonly result: T;
  /** Microseconds of CPU time of the server. */
  readonly cpu: number;
  /** Part of the server's processor that others used, from 0 to 1. */
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
  const result = await server.during(act());
  const after = await server.usage();
  const cpu = after.cpu - before.cpu;
  return { result, cpu, others: endWatch(cpu) };
}

/** Says it if figures are doubtful because of others. */
export function doubt(shares: readonly number[]): string | undefined {
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  if (!(mean > TOLERATED_SHARE)) return undefined;
  return `Other programs used ${(mean * 100).toFixed(0)} % of the servers' processor meanwhile`;
}
