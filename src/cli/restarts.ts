/** Decides when a worker that has crashed is started again. */

/** A worker that has lived so long, in milliseconds, has not crashed at its start. */
const HEALTHY_LIFE = 10_000;

const FIRST_DELAY = 100;
const LONGEST_DELAY = 30_000;

/** Counts crashes in a row. */
export class Restarts {
  readonly #most: number;
  #crashes = 0;

  /** @param most Crashes in a row after which there is no restart; 0 for any number */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Notes a crash.
   *
   * @param life Milliseconds that the worker has lived
   * @returns milliseconds to wait; undefined to give up. The first restart comes at once
   */
  next(life: number): number | undefined {
    if (life >= HEALTHY_LIFE) this.#crashes = 0;
    this.#crashes += 1;
    if (this.#most > 0 && this.#crashes >= this.#most) return undefined;
    if (this.#crashes === 1) return 0;
    return Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (this.#crashes - 2));
  }

  /** Crashes in a row. */
  get count(): number {
    return this.#crashes;
  }
}
