/**
 * Turns calls of `write` into chunks of a body: an application that is called while a body is iterated must not write past that
 * body (PEP 3333, The write() Callable).
 */
import type { Chunk, Write } from '../wsgi.ts';

/** One call. */
interface Written {
  readonly data: Chunk;
  /** Settles the promise of the call. */
  taken(): void;
}

/** The chunks that an application has written, until the body gives them. */
export class WrittenChunks {
  readonly #queue: Written[] = [];
  #wake: () => void = () => {};

  /** Its promise settles when the gateway has taken the chunk. */
  readonly write: Write = (data) => {
    return new Promise<void>((taken) => {
      this.#queue.push({ data, taken });
      this.#wake();
    });
  };

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
      if (isOver) return undefined;
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
