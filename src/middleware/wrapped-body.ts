/**
 * A body around another body: sees each chunk, and is told of the end and of the close.
 *
 * Rule 1: one chunk comes out for each that goes in (PEP 3333, Middleware Handling of Block Boundaries).
 * Rule 2: the inner body is closed as the gateway would close it: `return()` if it was left early, `close()` once, and its
 *         resources released if it has no `close()`. Nothing here waits for a time: the gateway does.
 * Rule 3: an array stays an array, and a synchronous iterable synchronous. The body of a wrapped program keeps its ready
 *         steps, so that its chunks leave in the very call by which the program lets them go.
 */
import {
  BodyReader,
  dispose,
  isBody,
  isPlainArray,
  iterate,
  READY,
  type ReadyIterator,
} from '../gateway/body-reader.ts';
import { INNER_BODY } from '../gateway/file-wrapper.ts';
import { isPromise, toPromise } from '../gateway/promise.ts';
import type { Body, Chunk } from '../wsgi.ts';

/** Given by {@link BodyHooks.onChunk} to end the content here. */
export const END_OF_BODY: unique symbol = Symbol('end of body');

/** Functions that are called while a body is iterated and closed. */
export interface BodyHooks {
  /** Gives the chunk to send instead; undefined leaves it as it is. */
  readonly onChunk?: ((chunk: Chunk) => Chunk | typeof END_OF_BODY | undefined) | undefined;
  /** Called when the gateway asks for a step: it has taken the chunk before. */
  readonly onNext?: (() => void) | undefined;
  /** Called when the gateway wants no more. */
  readonly onLeave?: (() => void) | undefined;
  /** Called when the inner body has ended by itself. */
  readonly onEnd?: (() => void) | undefined;
  /** Called with what an inner step throws, instead of throwing it; gives the last chunk if there is one, or throws. */
  readonly onFailure?: ((error: unknown) => readonly Chunk[]) | undefined;
  /** Called once, after the inner body was closed. */
  readonly onClose?: (() => unknown) | undefined;
  /** Calls each method of the inner body. */
  readonly enter?: (<Result>(call: () => Result) => Result) | undefined;
  /** `onChunk` changes no chunk. @default false */
  readonly isTransparent?: boolean | undefined;
}

type Step = IteratorResult<Chunk, undefined>;

const DONE: Step = { done: true, value: undefined };

/**
 * Wraps a body.
 *
 * @throws {@link ApplicationError} if it is no body; `onClose` has been called then
 */
export function wrapWith(body: Body, hooks: BodyHooks): Body {
  if (isPlainArray(body)) return wrapArray(body, hooks);
  if (!isBody(body)) {
    const closed = hooks.onClose?.();
    // The wrong body counts more.
    if (isPromise(closed)) toPromise(closed).catch(() => {});
    // Throws, and says what is wrong.
    return new BodyReader(body) as never;
  }
  const isAsync = Symbol.asyncIterator in body || body instanceof ReadableStream;
  const wrapped = isAsync ? new AsyncBody(body, hooks) : new SyncBody(body, hooks);
  return hooks.onChunk === undefined || hooks.isTransparent === true ? passing(wrapped, body) : wrapped;
}

/**
 * Calls a function with the body of an application: at once, or when an async application has given it.
 */
export function withBody(
  body: Body | Promise<Body>,
  use: (body: Body) => Body | Promise<Body>,
): Body | Promise<Body> {
  return isPromise(body) ? toPromise(body).then(use) : use(body);
}

/** Has all its content already: what waits for the end runs at once. */
function wrapArray(body: readonly Chunk[], { onChunk, onEnd, onClose }: BodyHooks): Body {
  let chunks: readonly Chunk[] = body;
  let closed: unknown;
  try {
    if (onChunk !== undefined) chunks = mapChunks(body, onChunk);
    onEnd?.();
  } finally {
    closed = onClose?.();
  }
  if (!isPromise(closed)) return chunks;
  // The gateway waits for it, and logs its failure.
  const closing = toPromise(closed);
  closing.catch(() => {});
  return passing(new SyncBody(chunks, { onClose: () => closing }), chunks);
}

function mapChunks(body: readonly Chunk[], onChunk: NonNullable<BodyHooks['onChunk']>): Chunk[] {
  const chunks: Chunk[] = [];
  for (const item of body) {
    const chunk = onChunk(item);
    if (chunk === END_OF_BODY) break;
    chunks.push(chunk ?? item);
  }
  return chunks;
}

/** Lets the gateway see the length of the inner body, if it has one. A response that replaces the content declares its own. */
export function passing(wrapped: Body, inner: Body): Body {
  return Object.defineProperty(wrapped, INNER_BODY, { value: () => inner });
}

/** The parts that synchronous and asynchronous bodies share. */
abstract class WrappedBody {
  readonly #inner: Body;
  readonly #hooks: BodyHooks;
  #iterator: ReadyIterator | undefined;
  /** The inner iteration has ended, or thrown. */
  #isExhausted = false;
  /** The content has ended. */
  #isEnded = false;
  #isReleased = false;
  #isClosed = false;
  #closing: unknown;

  constructor(inner: Body, hooks: BodyHooks) {
    this.#inner = inner;
    this.#hooks = hooks;
  }

  protected begin(): ReadyIterator {
    this.#iterator ??= this.#enter(() => iterate(this.#inner));
    return this.#iterator;
  }

  /** Gives the next step. */
  protected step(): Step | Promise<Step> {
    this.#hooks.onNext?.();
    if (this.#isEnded) return DONE;
    let step: IteratorResult<unknown, unknown> | Promise<IteratorResult<unknown, unknown>>;
    try {
      const iterator = this.begin();
      step = this.#enter(() => iterator.next());
    } catch (error) {
      return this.fail(error);
    }
    return isPromise(step) ? toPromise(step).then(this.#take, this.fail) : this.#take(step);
  }

  /** {@link READY}. */
  protected readyStep(onReady?: () => void): Step | undefined {
    this.#hooks.onNext?.();
    if (this.#isEnded) return DONE;
    let step: IteratorResult<unknown, unknown> | undefined;
    try {
      const iterator = this.begin();
      step = this.#enter(() => iterator[READY]?.(onReady));
    } catch (error) {
      return this.fail(error);
    }
    return step === undefined ? undefined : this.#take(step);
  }

  /** Turns an inner step into one of this body. */
  readonly #take = (step: IteratorResult<unknown, unknown>): Step => {
    const { onChunk, onEnd } = this.#hooks;
    if (step.done) {
      this.#isExhausted = true;
      if (!this.#isEnded) {
        this.#isEnded = true;
        onEnd?.();
      }
      return DONE;
    }
    // The gateway checks each chunk.
    const value = step.value as Chunk;
    const chunk = onChunk?.(value) ?? value;
    if (chunk !== END_OF_BODY) return { done: false, value: chunk };
    this.#isEnded = true;
    return DONE;
  };

  /** An inner step has thrown. */
  protected readonly fail = (error: unknown): Step => {
    this.#isExhausted = true;
    this.#isEnded = true;
    const { onFailure } = this.#hooks;
    if (onFailure === undefined) throw error;
    const [chunk] = onFailure(error);
    return chunk === undefined ? DONE : { done: false, value: chunk };
  };

  /** Leaves the inner iteration if it has not ended, and releases what has no `close()`. */
  protected leave(): unknown {
    this.#isEnded = true;
    if (this.#isReleased) return undefined;
    this.#isReleased = true;
    this.#hooks.onLeave?.();
    const isAbandoned = !this.#isExhausted;
    return this.#enter(() => {
      // Both at once: the iterator of a waiting node stream returns only once the stream is destroyed.
      const returned = isAbandoned ? this.#iterator?.return?.() : undefined;
      const disposed = this.#inner.close === undefined ? dispose(this.#inner, isAbandoned) : undefined;
      return isPromise(returned) || isPromise(disposed) ? Promise.all([returned, disposed]) : undefined;
    });
  }

  /** Closes the inner body, then calls the hook. Does so once. Returns a promise if there is something to wait for. */
  close(): unknown {
    if (this.#isClosed) return this.#closing;
    this.#isClosed = true;
    const failures: unknown[] = [];
    const attempt = (call: () => unknown): unknown => {
      try {
        return call();
      } catch (error) {
        failures.push(error);
        return undefined;
      }
    };
    const waits = [attempt(() => this.leave()), attempt(() => this.#enter(() => this.#inner.close?.()))];
    if (!waits.some((wait) => isPromise(wait))) {
      const last = attempt(() => this.#hooks.onClose?.());
      if (failures.length > 0) throw failures[0];
      this.#closing = last;
      return last;
    }
    this.#closing = this.#closeLater(waits, failures);
    return this.#closing;
  }

  async #closeLater(waits: readonly unknown[], failures: unknown[]): Promise<void> {
    const note = (error: unknown): void => {
      failures.push(error);
    };
    await Promise.all(waits.map((wait) => Promise.resolve(wait).catch(note)));
    try {
      await this.#hooks.onClose?.();
    } catch (error) {
      note(error);
    }
    if (failures.length > 0) throw failures[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #enter<Result>(call: () => Result): Result {
    const { enter } = this.#hooks;
    return enter === undefined ? call() : enter(call);
  }
}

/** Around a synchronous iterable. */
class SyncBody extends WrappedBody implements Iterable<Chunk> {
  [Symbol.iterator](): Iterator<Chunk, undefined> {
    this.begin();
    return {
      // An iterator that gives promises is not synchronous, but our gateway waits for it.
      next: () => this.step() as Step,
      return: () => {
        const left = this.leave();
        // The gateway waits for this promise too.
        return isPromise(left) ? (toPromise(left).then(() => DONE) as unknown as Step) : DONE;
      },
    };
  }
}

/** Around an asynchronous iterable, also of a wrapped program. */
class AsyncBody extends WrappedBody implements AsyncIterable<Chunk> {
  [Symbol.asyncIterator](): AsyncIterator<Chunk, undefined> {
    const steps: AsyncIterator<Chunk, undefined> = {
      next: () => {
        try {
          const step = this.step();
          return isPromise(step) ? step : Promise.resolve(step);
        } catch (error) {
          return Promise.reject(error);
        }
      },
      return: async () => {
        await this.leave();
        return DONE;
      },
    };
    if (this.begin()[READY] === undefined) return steps;
    return Object.defineProperty(steps, READY, { value: (onReady?: () => void) => this.readyStep(onReady) });
  }
}
