/** When a program that crashes may start again. */

/** Milliseconds. Waits after the second crash in a row, and at most. */
const FIRST_WAIT = 100;
const LONGEST_WAIT = 10_000;

/** Milliseconds after which a crash is not taken for one of a row. */
const LONG_LIFE = 10_000;

/** Counts crashes in a row. The first one does not wait, so that a chance crash costs no time. */
export class BackOff {
  #crashes = 0;
  #until = 0;

  /** Milliseconds until the next start. */
  get wait(): number {
    return Math.max(0, this.#until - Date.now());
  }

  /** @param lifetime Milliseconds that the process has lived */
  noteCrash(lifetime: number): void {
    this.#crashes = lifetime >= LONG_LIFE ? 1 : this.#crashes + 1;
    const wait = this.#crashes < 2 ? 0 : Math.min(FIRST_WAIT * 2 ** (this.#crashes - 2), LONGEST_WAIT);
    this.#until = Date.now() + wait;
  }

  /** The cause may be gone: the program was changed. */
  reset(): void {
    this.#crashes = 0;
    this.#until = 0;
  }
}
