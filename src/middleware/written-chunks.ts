/**
 * Turns calls of `write` into chunks of a body: an application that is called while a body is iterated must not write past that
 * body (PEP 3333, The write() Callable).
 */
import { disconnection } from '../errors.ts';
import type { Chunk, Write } from '../wsgi.ts';

/** One call. */
interface Written {
  readonly data: Chunk;
  /** Resolves the promise of the call. */
  taken(): void;
  /** Rejects it. */
  refused(error: unknown): void;
}

/** The chunks that an application has written, until the body gives them. */
export class WrittenChunks {
  readonly #queue: Written[] = [];
  #wake: () => void = () => {};

  #hasLeft = false;

  /** Its promise resolves when the gateway has taken the chunk, and rejects if the body was left before. */
  readonly write: Write = (data) => {
    const promise = new Promise<void>((taken, refused) => {
      if (this.#hasLeft) refused(disconnection('response'));
      else this.#queue.push({ data, taken, refused });
      this.#wake();
    });
    // An application need not wait for it.
    promise.catch(() => {});
    return promise;
  };

  /** The gateway wants no more chunks. */
  leave(): void {
    this.#hasLeft = true;
    for (const written of this.#queue.splice(0)) written.refused(disconnection('response'));
    this.#wake();
  }

  /** Gives what was written, and what is written until a promise settles. */
  async *until(settled: Promise<unknown>): AsyncGenerator<Chunk, undefined, undefined> {
    let isOver = false;
    const end = (): void => {
      isOver = true;
      this.#wake();
    };
    settled.then(end, end);
    for (;;) {
      yield* this.waiting();
      if (isOver || this.#hasLeft) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Gives what was written. */
  *waiting(): Generator<Chunk, undefined, undefined> {
    for (let written = this.#queue.shift(); written !== undefined; written = this.#queue.shift()) {
      try {
        yield written.data;
      } finally {
        written.taken();
      }
    }
    return undefined;
  }
}
