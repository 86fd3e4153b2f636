/**
 * Latencies by windows of time: a percentile of each, and the median of those.
 *
 * Other programs spoil some seconds of any measurement. The median over windows shows most of the time; the worst
 * window is shown but not judged.
 */
import type { Operation } from './good-clients.ts';

export interface Summary {
  readonly count: number;
  /** Milliseconds: medians over the windows. */
  readonly p50: number;
  readonly p99: number;
  /** The p99 of the worst window. */
  readonly worst: number;
}

/** The latencies of one phase. */
export class Measurements {
  /** Window → milliseconds. */
  readonly #windows = new Map<Operation, Map<number, number[]>>();
  readonly #windowSize: number;
  readonly #began: number = performance.now();

  /** @param windowSize Milliseconds */
  constructor(windowSize: number) {
    this.#windowSize = windowSize;
  }

  add(operation: Operation, milliseconds: number): void {
    const window = Math.floor((performance.now() - this.#began) / this.#windowSize);
    const windows = this.#windows.get(operation) ?? new Map<number, number[]>();
    this.#windows.set(operation, windows);
    const latencies = windows.get(window) ?? [];
    windows.set(window, latencies);
    latencies.push(milliseconds);
  }

  windowsOf(operation: Operation): number[][] {
    return [...(this.#windows.get(operation)?.values() ?? [])];
  }
}

/** Sums up the windows of several phases. */
export function summarise(windows: readonly number[][]): Summary {
  const p99s = windows.map((latencies) => percentile(latencies, 0.99));
  return {
    count: windows.reduce((sum, { length }) => sum + length, 0),
    p50: median(windows.map((latencies) => percentile(latencies, 0.5))),
    p99: median(p99s),
    worst: Math.max(...p99s),
  };
}

/** Returns the smallest value that at least `part` of the values do not exceed (nearest rank). */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}

function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}
