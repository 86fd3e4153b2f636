/**
 * Counts the streams of a session that end by a reset: a bucket that fills again with time.
 *
 * A stream that is reset costs its client two short frames and the server a whole request, and makes room for the next
 * (CVE-2023-44487). It is the same where the client makes the server reset a stream, by a frame that breaks the rules of it
 * (CVE-2025-8671). Resets that the application is to blame for do not count.
 */

/** The budget of one session. */
export class ResetBudget {
  readonly #burst: number;
  /** For each millisecond. */
  readonly #rate: number;
  #left: number;
  /** By performance.now(). */
  #filledAt = performance.now();

  /**
   * @param burst Resets at once
   * @param rate Further ones with every second
   */
  constructor(burst: number, rate: number) {
    this.#burst = burst;
    this.#rate = rate / 1000;
    this.#left = burst;
  }

  /** Counts a reset. False if there have been too many. */
  take(): boolean {
    const now = performance.now();
    this.#left = Math.min(this.#burst, this.#left + (now - this.#filledAt) * this.#rate);
    this.#filledAt = now;
    this.#left -= 1;
    return this.#left >= 0;
  }
}
