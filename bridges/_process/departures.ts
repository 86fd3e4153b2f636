/**
 * Watches for clients that leave, on behalf of requests that last. An AbortSignal and a timer cost more than a short request to a program
 * that is running already, so that a request gets both only when it is older than a sweep.
 */
import { Line, type Place } from '../../src/gateway/index.ts';

/** Milliseconds between two sweeps. A request is watched after one to two of them. */
const SWEEP = 20;

/** A request that can be watched. */
export interface Watchable {
  /** Begins to watch for the client, and for time-outs. */
  watch(): void;
}

/** Requests under way that are not watched yet. A request leaves its place when it has ended. */
export class Departures {
  #young = new Line<Watchable>();
  /** Those that a sweep has seen. */
  #older = new Line<Watchable>();
  #timer: NodeJS.Timeout | undefined;

  /** Watches a request from the second sweep on, unless it has ended by then. */
  add(request: Watchable): Place<Watchable> {
    this.#timer ??= setTimeout(() => this.#sweep(), SWEEP);
    return this.#young.add(request);
  }

  #sweep(): void {
    const seen = this.#older;
    this.#older = this.#young;
    this.#young = new Line();
    if (this.#older.length > 0) this.#timer?.refresh();
    else this.#timer = undefined;
    for (const request of seen.takeAll()) request.watch();
  }
}
