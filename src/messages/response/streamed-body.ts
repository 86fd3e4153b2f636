/**
 * The body of a response that is sent by `write()`: an iterable that yields nothing and ends with the response.
 *
 * Any gateway, even without extension keys, tells by `return()` and `close()` that the client has left.
 */

/** The iterable for one response. */
export class StreamedBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #onClose: () => void;
  #outcome: Promise<IteratorResult<Uint8Array, undefined>>;
  #resolve: (result: IteratorResult<Uint8Array, undefined>) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  /** @param onClose Called when the gateway needs nothing more, even if the response has not ended */
  constructor(onClose: () => void) {
    this.#onClose = onClose;
    this.#outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // A gateway that has stopped iterating ignores it.
    this.#outcome.catch(() => {});
  }

  /** Ends the iteration. */
  end(): void {
    this.#resolve({ done: true, value: undefined });
  }

  /** Ends the iteration with an error: the response will not be complete. */
  fail(error: unknown): void {
    this.#reject(error);
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    return this.#outcome;
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.end();
    return { done: true, value: undefined };
  }

  close(): void {
    this.end();
    this.#onClose();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
