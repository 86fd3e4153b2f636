/**
 * The body of a response whose content may be compressed.
 *
 * Rule 1: one chunk comes out for each that goes in, perhaps an empty one (PEP 3333, Middleware Handling of Block Boundaries).
 * Rule 2: what was added is let out as soon as the inner body makes one wait, so that a client sees each event at once.
 * Rule 3: closing it closes the inner body, also while that waits.
 * Rule 4: it takes the ready steps of a wrapped program, and has none: what comes out of a compressor comes later.
 */
import { iterate, READY, type ReadyIterator } from '../gateway/body-reader.ts';
import { onNextTurn } from '../gateway/platform.ts';
import { isPromise, toPromise } from '../gateway/promise.ts';
import type { Body, Chunk } from '../wsgi.ts';

/** The compressor of a response, as its body uses it. */
export interface ContentEncoder {
  /** Content was added, and has not been let out. */
  readonly hasMore: boolean;
  /** Gives what comes out if a chunk is added. */
  add(chunk: Chunk): Chunk | Promise<Chunk>;
  /** Gives what was written, and has not been sent; undefined if nothing was. */
  written(): Promise<Chunk> | undefined;
  flush(): Promise<Chunk>;
  /** The content ends here, before the inner body does. */
  readonly isFull: boolean;
  end(): Chunk | Promise<Chunk>;
  destroy(): void;
}

type Step = IteratorResult<Chunk, undefined>;
type InnerStep = IteratorResult<unknown, unknown>;

const DONE: Step = { done: true, value: undefined };

/** A body around the body of the inner application. */
export class CompressedBody implements AsyncIterable<Chunk> {
  readonly #inner: Body;
  readonly #encoder: ContentEncoder;
  #iterator: ReadyIterator | undefined;
  /** A step of the inner body that makes one wait. */
  #waiting: Promise<InnerStep> | undefined;
  #isEnded = false;

  /** @param inner A body that can be closed by its `close()`, or an array */
  constructor(inner: Body, encoder: ContentEncoder) {
    this.#inner = inner;
    this.#encoder = encoder;
  }

  [Symbol.asyncIterator](): AsyncIterator<Chunk, undefined> {
    return {
      next: () => this.#next(),
      return: async () => {
        await this.close();
        return DONE;
      },
    };
  }

  async #next(): Promise<Step> {
    if (this.#isEnded) return DONE;
    const encoder = this.#encoder;
    const written = encoder.written();
    if (written !== undefined) return { done: false, value: await written };
    const step = encoder.isFull ? DONE : await this.#step();
    if (step === undefined) return { done: false, value: await encoder.flush() };
    if (!step.done) {
      // The encoder and the gateway check each chunk.
      return { done: false, value: await encoder.add(step.value as Chunk) };
    }
    this.#isEnded = true;
    const rest = await encoder.end();
    return rest.length > 0 ? { done: false, value: rest } : DONE;
  }

  /** Gives the next step of the inner body; undefined if it makes one wait while content is to be let out. */
  async #step(): Promise<InnerStep | undefined> {
    let step: InnerStep | Promise<InnerStep>;
    if (this.#waiting === undefined) {
      this.#iterator ??= iterate(this.#inner);
      step = this.#iterator[READY]?.() ?? this.#iterator.next();
      if (!isPromise(step)) return step;
      if (this.#encoder.hasMore) {
        const waiting = toPromise(step);
        let isSettled = false;
        const settle = (): void => {
          isSettled = true;
        };
        waiting.then(settle, settle);
        await new Promise<void>(onNextTurn);
        if (!isSettled) {
          this.#waiting = waiting;
          return undefined;
        }
      }
    } else {
      step = this.#waiting;
      this.#waiting = undefined;
    }
    return step;
  }

  close(): unknown {
    this.#isEnded = true;
    this.#encoder.destroy();
    return this.#inner.close?.();
  }
}
