/**
 * Checks, iterates and closes the body that an application returns.
 *
 * Closing depends on how far the body was iterated:
 * - `close()` of the returned object itself is called exactly once, however the response ends (PEP 3333).
 * - An iteration that is cut short gets `return()` first, because JavaScript's generators have no `close()`.
 * - An abandoned body without `close()` is disposed of, so that an unread stream does not leak.
 */
import { ApplicationError } from '../errors.ts';
import type { Body, Chunk } from '../wsgi.ts';
import { describe } from './describe.ts';
import { encodeUtf8 } from './platform.ts';
import { isPromise, toPromise } from './promise.ts';

type Step = IteratorResult<unknown, unknown>;

/**
 * A method of the iterators of wrapped programs: gives the next step without a promise.
 *
 * It returns undefined if there is no step yet, and calls `onReady` once there is one.
 */
export const READY: unique symbol = Symbol.for('gatebridge.ready-step');

type ReadyIterator = (Iterator<unknown> | AsyncIterator<unknown>) & {
  [READY]?(onReady?: () => void): Step | undefined;
};

/**
 * Checks a chunk and converts it to octets.
 *
 * @throws {@link ApplicationError} unless it is a Uint8Array, or a string and `isStrict` is false
 */
export function toOctets(chunk: Chunk, isStrict: boolean): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === 'string' && !isStrict) return encodeUtf8(chunk);
  throw new ApplicationError('WSGI_ERR_CHUNK_INVALID', `found ${describe(chunk)}`);
}

/** Iterates over one body and closes it. */
export class BodyReader {
  readonly #body: Body;
  #iterator: ReadyIterator | undefined;
  #isExhausted = false;

  /**
   * @throws {@link ApplicationError} if the value is not iterable, or is a string or an ArrayBuffer view, which would
   *   be iterated as characters or numbers
   */
  constructor(body: unknown) {
    if (!isBody(body)) {
      throw new ApplicationError('WSGI_ERR_BODY_INVALID', `found ${describe(body)}${bodyHint(body)}`);
    }
    this.#body = body;
  }

  /** Gives the next step of the iteration. */
  next(): Step | Promise<Step> {
    this.#iterator ??= iterate(this.#body);
    const step = this.#nextOf(this.#iterator);
    return isPromise(step) ? toPromise(step).then(this.#note, this.#noteFailure) : this.#note(step);
  }

  #nextOf(iterator: ReadyIterator): Step | Promise<Step> {
    return iterator[READY]?.() ?? iterator.next();
  }

  /** The body can be read without promises, by `nextReady`. */
  get hasReadySteps(): boolean {
    this.#iterator ??= iterate(this.#body);
    return this.#iterator[READY] !== undefined;
  }

  /** Gives the next step if there is one; else undefined, and calls back once there is one. */
  nextReady(onReady: () => void): Step | undefined {
    try {
      const step = this.#iterator?.[READY]?.(onReady);
      return step === undefined ? undefined : this.#note(step);
    } catch (error) {
      return this.#noteFailure(error);
    }
  }

  readonly #note = (step: Step): Step => {
    if (step.done === true) this.#isExhausted = true;
    return step;
  };

  /** An iterator that threw has ended: `return()` is not called. */
  readonly #noteFailure = (error: unknown): never => {
    this.#isExhausted = true;
    throw error;
  };

  /**
   * Ends the iteration if it has not ended by itself, and closes the body.
   *
   * An async generator cannot stop while it awaits something. After `timeout` milliseconds the body is closed anyway.
   *
   * @param timeout Milliseconds
   * @param report Called with each error; closing continues
   */
  async close(timeout: number, report: (error: unknown) => void): Promise<void> {
    const body = this.#body;
    const isAbandoned = !this.#isExhausted;
    this.#isExhausted = true;
    try {
      if (isAbandoned) {
        // Both at once: the iterator of a waiting node stream returns only once the stream is destroyed.
        const returned = this.#iterator?.return?.();
        const disposed = body.close === undefined ? dispose(body) : undefined;
        await within(timeout, Promise.all([returned, disposed]));
      }
    } catch (error) {
      report(error);
    }
    try {
      if (body.close !== undefined) await body.close();
    } catch (error) {
      report(error);
    }
  }
}

function bodyHint(value: unknown): string {
  if (value === undefined) return '; return [] if there is no content';
  return typeof value === 'string' || ArrayBuffer.isView(value) ? '; wrap it in an array' : '';
}

function isBody(value: unknown): value is Body {
  return (
    typeof value === 'object' &&
    value !== null &&
    !ArrayBuffer.isView(value) &&
    (Symbol.asyncIterator in value || Symbol.iterator in value)
  );
}

function iterate(body: Body): Iterator<unknown> | AsyncIterator<unknown> {
  if (body instanceof ReadableStream) return iterateStream(body);
  return Symbol.asyncIterator in body ? body[Symbol.asyncIterator]() : body[Symbol.iterator]();
}

/** Iterates with a reader, which can be cancelled. A web stream's own iterator does not return while it waits. */
function iterateStream(stream: ReadableStream<unknown>): AsyncIterator<unknown> {
  const reader = stream.getReader();
  return {
    next: () => reader.read(),
    return: async () => {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}

/** Releases node's streams, web streams and other resources that have no `close()`. */
async function dispose(body: object): Promise<unknown> {
  // No type of TypeScript says that an iterable may have these methods.
  const disposable = body as Partial<AsyncDisposable & Disposable>;
  // The iterator cancels a web stream that is being read; any other cancel() rejects.
  if (body instanceof ReadableStream && body.locked) return undefined;
  if (disposable[Symbol.asyncDispose] !== undefined) return disposable[Symbol.asyncDispose]?.();
  if (disposable[Symbol.dispose] !== undefined) return disposable[Symbol.dispose]?.();
  // Web streams have no dispose method before Node 24.
  if (body instanceof ReadableStream) return body.cancel();
  return undefined;
}

/** Milliseconds. Node's timers fire after 1 ms if the delay is longer. */
const MAX_DELAY = 2 ** 31 - 1;

/** Waits for a value, but no longer than `timeout` milliseconds. */
async function within(timeout: number, value: unknown): Promise<void> {
  if (!isPromise(value)) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timedOut = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(timeout, MAX_DELAY));
  });
  try {
    await Promise.race([value, timedOut]);
  } finally {
    clearTimeout(timer);
    value.catch(() => {});
  }
}
